"""What this release of meshctl would serve otherwise than the one that wrote a state, for the same texts.

May import the compiler and the snapshot's disk. Judged as a start is: what is only written in other bytes
stays as it was.
"""

from dataclasses import dataclass

from meshctl.names import ViewKey
from meshctl.operations.admit import Admission
from meshctl.operations.compile import WATCHED, Compiler
from meshctl.operations.plan import Plan
from meshctl.operations.resolve import Resolver
from meshctl.problems import Finding, findings
from meshctl.snapshot.disk import State


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The plan, and what this release finds wrong with the texts; then it would publish nothing of them."""

    plan: Plan
    problems: tuple[Finding, ...]


def upgrade(state: State) -> Upgrade:
    """Compile the last good texts anew, for every view that nodes had."""
    resolver = Resolver(WATCHED)
    if not Admission(resolver, state.texts).change({}).published:
        return Upgrade(Plan(state.snapshot.revision, ()), _wrong(resolver))
    compiler = Compiler(resolver, state.snapshot)
    for name in state.snapshot.views:
        compiler.open(ViewKey.parse(name))
    return Upgrade(Plan.between(state.snapshot, compiler.publish()), ())


def _wrong(resolver: Resolver) -> tuple[Finding, ...]:
    return tuple(findings(resolver.problems(), resolver.locate))

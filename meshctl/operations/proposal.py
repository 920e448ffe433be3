"""What a folder would change at a running server: entries, what comes of them, what would be held back.

May import the compiler and what decides what is served. Pure, and costs a compilation of all that nodes use:
it is made beside the server's own state, in any thread.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from meshctl.catalog.source import Source
from meshctl.names import ViewKey
from meshctl.operations.admit import Admission, Outcome, content_hash, read_sources
from meshctl.operations.compile import Compiler
from meshctl.operations.forms import NAME_ONLY
from meshctl.operations.guard import Losses
from meshctl.operations.plan import Plan, Sign
from meshctl.problems import Finding
from meshctl.snapshot import Snapshot

Texts = Mapping[str, bytes]


class Fate(Enum):
    """What becomes of a changed entry: it is served, or held back for a problem, or guarded."""

    TAKEN = "taken"
    HELD = "held"
    GUARDED = "guarded"


@dataclass(frozen=True, slots=True)
class EntryChange:
    """One file that differs from what is served of it; `kind` is "" where the text does not tell."""

    sign: Sign
    file: str
    kind: str
    name: str
    fate: Fate


@dataclass(frozen=True, slots=True)
class Basis:
    """What a server serves at one moment, for one proposal.

    `admission` is a twin of the server's, which `propose` uses up; `views` are those that nodes want.
    """

    admission: Admission
    snapshot: Snapshot
    views: tuple[ViewKey, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """All that would come of it. `live` and `wanted` name the texts that are served, and those of the folder.

    `held` says of each file that would not be served as it stands why, and `unserved` which of them would not
    be served at all; `guarded` is what would vanish, and waits to be confirmed.
    """

    live: str
    wanted: str
    entries: tuple[EntryChange, ...]
    plan: Plan
    held: Mapping[str, tuple[Finding, ...]]
    unserved: frozenset[str]
    guarded: Losses


def catalog_hash(texts: Texts) -> str:
    """Names exactly these files with these bytes."""
    lines = (f"{file}\0{content_hash(text)}\n" for file, text in sorted(texts.items()))
    return sha256("".join(lines).encode()).hexdigest()[:12]


def propose(basis: Basis, texts: Texts, now: float = 0.0) -> Proposal:
    """What would come of a folder with these texts. `now` is of the clock that the server's guard goes by.

    The basis is used up by it.
    """
    try:
        return _proposed(basis, texts, now)
    finally:
        basis.admission.resolver.graph.empty()


def _proposed(basis: Basis, texts: Texts, now: float) -> Proposal:
    admission, before = basis.admission, _served(basis.admission)
    gone = {file: admission.served(file) for file in before if file not in texts}
    changed = {file: text for file, text in texts.items() if before.get(file) != text}
    sources = read_sources(changed)
    missing = dict.fromkeys(admission.good.keys() - texts.keys())
    outcome = admission.change({**changed, **missing}, now, sources)
    wanted = _compiled(basis) if outcome.published else basis.snapshot
    after = _served(admission)
    return Proposal(
        live=catalog_hash(before),
        wanted=catalog_hash(texts),
        entries=tuple(_entries(before, texts, {**gone, **sources}, outcome, after)),
        plan=Plan.between(basis.snapshot, wanted),
        held=outcome.held,
        unserved=frozenset(file for file in outcome.held if file not in after),
        guarded=outcome.guarded,
    )


def _served(admission: Admission) -> dict[str, bytes]:
    """The texts that are served, but for those of which only the name is."""
    return {file: text for file, text in admission.good.items() if text != NAME_ONLY}


def _compiled(basis: Basis) -> Snapshot:
    compiler = Compiler(basis.admission.resolver, basis.snapshot)
    for key in basis.views:
        compiler.open(key)
    return compiler.publish()


def _entries(
    before: Texts, wanted: Texts, sources: Mapping[str, Source], outcome: Outcome, after: Texts
) -> Iterator[EntryChange]:
    for file in sorted(sources):
        source = sources[file]
        kind = source.kind.value if source.kind else ""
        fate = _fate(file, outcome, is_taken=outcome.published and after.get(file) == wanted.get(file))
        yield EntryChange(_sign(file, before, wanted), file, kind, source.name, fate)


def _sign(file: str, before: Texts, wanted: Texts) -> Sign:
    if file not in before:
        return Sign.ADDED
    return Sign.CHANGED if file in wanted else Sign.REMOVED


def _fate(file: str, outcome: Outcome, *, is_taken: bool) -> Fate:
    if is_taken:
        return Fate.TAKEN
    return Fate.GUARDED if file in outcome.guarded.kept else Fate.HELD

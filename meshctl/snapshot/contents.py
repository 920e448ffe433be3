"""What nodes of a view are given in place of its newest resources: while a change goes to them in waves, and
where too many of them refused it, or the first of them did not answer.

May import `names`. Contents are told as overlays over the newest resources of the view, its *head*: what
stands in none of them goes to everybody at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from meshctl.names import Ref
from meshctl.snapshot.resource import Resource

Overlay = Mapping[Ref, Resource | None]
"""Resources in place of those of the head; None: absent, though the head has one of this name."""

HEAD: Overlay = MappingProxyType({})
"""The overlay of who has the newest resources."""


@dataclass(frozen=True, slots=True)
class Held:
    """A resource of the head that nobody is given, because nodes refused it, until it changes.

    `version` is the hash of the refused bytes, "" for a name that goes; `kept` is given in their place, None:
    nothing of this name. `reason` is Envoy's, `since` in seconds of the epoch; `nodes` had refused it then,
    by their ids. `silent`: they did not refuse it, but left a change unanswered that it was a part of.
    """

    version: str
    kept: Resource | None
    reason: str
    since: float
    nodes: frozenset[str]
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """Who has what in one view while a change runs through it, or a part of one is held back.

    `settled` is over the head what nodes have that no wave has reached, `leading` what the `leaders` have, by
    their ids: the change that runs, without what came later. Every name in `leading` is in `settled` too.
    `before` is what the change that ran last replaced, so that taking it back is known for that. `held` is
    what nobody is given, leaders neither; `beside` goes with it: what is kept in its place needs and the
    head has no more, and None for what is of no use without it.
    """

    settled: Overlay = field(default_factory=lambda: HEAD)
    leading: Overlay = field(default_factory=lambda: HEAD)
    before: Overlay = field(default_factory=lambda: HEAD)
    leaders: frozenset[str] = frozenset()
    held: Mapping[Ref, Held] = field(default_factory=lambda: MappingProxyType({}))
    beside: Overlay = field(default_factory=lambda: HEAD)

    @property
    def running(self) -> bool:
        """Whether some nodes are not given the newest resources yet."""
        return bool(self.settled)

    @property
    def instead(self) -> Overlay:
        """What everybody has in place of what is held back of the head."""
        return {**self.beside, **{ref: one.kept for ref, one in self.held.items()}} if self.held else HEAD

    @property
    def waiting(self) -> Overlay:
        """What nodes have over the head that no wave has reached."""
        return {**self.instead, **self.settled} if self.held else self.settled

    @property
    def led(self) -> Overlay:
        """What the leaders have over the head."""
        return {**self.instead, **self.leading} if self.held else self.leading

    @property
    def moving(self) -> frozenset[Ref]:
        """The names of the change that runs: leaders have these otherwise than the others."""
        return frozenset(
            ref for ref, old in self.settled.items() if ref not in self.leading or self.leading[ref] != old
        )


ALIKE = Contents()
"""Everybody has the newest resources."""

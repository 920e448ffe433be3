"""What nodes of a view are given in place of its newest resources, while a change goes to them in waves.

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
class Contents:
    """Who has what in one view while a change runs through it.

    `settled` is over the head what nodes have that no wave has reached, `leading` what the `leaders` have, by
    their ids: the change that runs, without what came later. Every name in `leading` is in `settled` too.
    `before` is what the change that ran last replaced, so that taking it back is known for that.
    """

    settled: Overlay = field(default_factory=lambda: HEAD)
    leading: Overlay = field(default_factory=lambda: HEAD)
    before: Overlay = field(default_factory=lambda: HEAD)
    leaders: frozenset[str] = frozenset()

    @property
    def running(self) -> bool:
        """Whether some nodes are not given the newest resources yet."""
        return bool(self.settled)

    def overlay(self, node: str) -> Overlay:
        """What a node, by its id, has over the head."""
        return self.leading if node in self.leaders else self.settled

    @property
    def moving(self) -> frozenset[Ref]:
        """The names of the change that runs: leaders have these otherwise than the others."""
        return frozenset(
            ref for ref, old in self.settled.items() if ref not in self.leading or self.leading[ref] != old
        )


ALIKE = Contents()
"""Everybody has the newest resources."""

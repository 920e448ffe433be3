"""What serving one snapshot in place of another would change: resources, for whom, and what it does to them.

May import `envoy.impact`, the snapshot and its neighbours. Pure: a value to be shown, judged and
refused. It costs what changed where the one snapshot descends from the other.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Self

from meshctl.envoy import impact
from meshctl.envoy.impact import Effect, Impact
from meshctl.names import SHORT_NAMES, Ref
from meshctl.operations.at_once import Change
from meshctl.operations.contents import fold
from meshctl.operations.holding import carried, seen
from meshctl.snapshot import Resource, Snapshot, View, ViewSnapshot


class Sign(Enum):
    """What becomes of something, as terraform writes it."""

    ADDED = "+"
    CHANGED = "~"
    REMOVED = "-"


class Way(Enum):
    """How a change comes to the nodes of a view: to all, or as `waves` in mesh.yaml says."""

    AT_ONCE = "at once"
    IN_WAVES = "in waves"


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource that would be another one in these views; `fields` decide on the impact."""

    sign: Sign
    ref: Ref
    impact: Impact
    fields: tuple[str, ...]
    way: Way
    views: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that would change, by type and name; `revision` is that of the snapshot it is compared with."""

    revision: int
    resources: tuple[ResourceChange, ...]

    @classmethod
    def between(cls, live: Snapshot, wanted: Snapshot) -> Self:
        """What nodes that are served `live` would be given instead.

        The newest are compared, but for what is held back because nodes refused it: what they wait for in
        waves that run is no change.
        """
        views: dict[tuple[Ref, Sign, Effect, Way], list[str]] = {}
        for name in sorted({*live.views.keys(), *wanted.views.keys()}):
            change, late = _folded(_view(live, name), _view(wanted, name))
            for ref, (before, after) in change.items():
                way = Way.IN_WAVES if ref in late else Way.AT_ONCE
                found = (ref, _sign(before, after), _effect(ref, before, after), way)
                views.setdefault(found, []).append(name)
        changes = (
            ResourceChange(sign, ref, effect.impact, effect.fields, way, tuple(of))
            for (ref, sign, effect, way), of in views.items()
        )
        return cls(live.revision, tuple(sorted(changes, key=_order)))

    def count(self, sign: Sign) -> int:
        """How many of the changes have this sign."""
        return sum(change.sign is sign for change in self.resources)

    @property
    def impact(self) -> Impact:
        """The gravest of all."""
        every = (change.impact for change in self.resources)
        return max(every, key=lambda one: one.severity, default=Impact.IN_PLACE)


_TYPES = tuple(SHORT_NAMES.values())


def _order(change: ResourceChange) -> tuple[int, str, str, tuple[str, ...]]:
    return (_TYPES.index(change.ref.type), change.ref.name, change.sign.value, change.views)


def _view(snapshot: Snapshot, name: str) -> ViewSnapshot:
    return snapshot.view(name) or ViewSnapshot(snapshot, View(name, {}))


def _folded(old: ViewSnapshot, new: ViewSnapshot) -> tuple[Change, Collection[Ref]]:
    """The change as the nodes of a view see it, and the names of it that go in waves.

    As `operations.folding` does it; in a view that comes or goes nobody waits.
    """
    head = {ref: (old.get(ref), new.get(ref)) for ref in new.changed_since(old)}
    contents, change = carried(old.view.contents, head, old.get)
    if not (change and old.view.keys and new.view.keys):
        return change, ()
    folded = fold(contents, change, seen(old.view.contents, old.get), lambda _names: False)
    return change, folded.contents.settled.keys() & change.keys()


def _sign(before: Resource | None, after: Resource | None) -> Sign:
    if before is None:
        return Sign.ADDED
    return Sign.REMOVED if after is None else Sign.CHANGED


def _effect(ref: Ref, before: Resource | None, after: Resource | None) -> Effect:
    if before is None:
        return impact.of_addition()
    if after is None:
        return impact.of_removal(ref.type)
    return impact.of_change(ref.type, before.body, after.body)

"""What serving one snapshot in place of another would change: resources, for whom, and what it does to them.

May import `envoy.impact` and the snapshot. Pure: a value to be shown, judged and refused. It costs what
changed where the one snapshot descends from the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Self

from meshctl.envoy import impact
from meshctl.envoy.impact import Effect, Impact
from meshctl.names import SHORT_NAMES, Ref
from meshctl.snapshot import Resource, Snapshot, View, ViewSnapshot


class Sign(Enum):
    """What becomes of something, as terraform writes it."""

    ADDED = "+"
    CHANGED = "~"
    REMOVED = "-"


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource that would be another one in these views; `fields` decide on the impact."""

    sign: Sign
    ref: Ref
    impact: Impact
    fields: tuple[str, ...]
    views: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that would change, by type and name; `revision` is that of the snapshot it is compared with."""

    revision: int
    resources: tuple[ResourceChange, ...]

    @classmethod
    def between(cls, live: Snapshot, wanted: Snapshot) -> Self:
        """What nodes that are served `live` would be given instead."""
        views: dict[tuple[Ref, Sign, Effect], list[str]] = {}
        for name in sorted({*live.views.keys(), *wanted.views.keys()}):
            for ref, sign, effect in _changes(_view(live, name), _view(wanted, name)):
                views.setdefault((ref, sign, effect), []).append(name)
        changes = (
            ResourceChange(sign, ref, effect.impact, effect.fields, tuple(of))
            for (ref, sign, effect), of in views.items()
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


def _order(change: ResourceChange) -> tuple[int, str, str]:
    return (_TYPES.index(change.ref.type), change.ref.name, change.sign.value)


def _view(snapshot: Snapshot, name: str) -> ViewSnapshot:
    return snapshot.view(name) or ViewSnapshot(snapshot, View(name, {}))


def _changes(old: ViewSnapshot, new: ViewSnapshot) -> Iterator[tuple[Ref, Sign, Effect]]:
    for ref in new.changed_since(old):
        before, after = old.get(ref), new.get(ref)
        if before != after:
            yield ref, _sign(before, after), _effect(ref, before, after)


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

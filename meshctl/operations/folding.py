"""A publication folded into the contents of the views that it concerns: what it changes, and who leads.

May import `snapshot` and its neighbour. Costs what changed and who holds it; endpoints cost nothing in
a view where nothing runs, since they go to everybody.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

from meshctl.names import ENDPOINTS, Ref, ResourceKey
from meshctl.operations.at_once import Change, Content
from meshctl.operations.contents import Folded, fold, with_contents
from meshctl.operations.holding import carried, seen
from meshctl.snapshot import Contents, Resource, Snapshot, View, ViewSnapshot, moved_keys

Resources = Mapping[ResourceKey, Resource | None]
Views = Mapping[str, View | None]


class Runs(Protocol):
    """What is known of the nodes of views, and of the changes that run through them."""

    def apart(self) -> Collection[str]:
        """The views in which somebody is not given the newest: a change runs, or something is held back."""

    def holders(self, key: ResourceKey) -> Collection[str]:
        """The views that hold a resource."""

    def first(self, view: str) -> frozenset[str]:
        """The nodes that a new run begins with, by id."""

    def superseded(self, view: str, names: frozenset[Ref]) -> bool:
        """Whether a run is stopped, and a change of these names makes it pointless."""


def folded(snapshot: Snapshot, resources: Resources, views: Views, runs: Runs) -> Iterator[tuple[str, View]]:
    """The views whose contents change as they are published with these resources, one by one."""
    for name, change in _changes(snapshot, resources, views, runs).items():
        old, new = snapshot.views.get(name), views.get(name, snapshot.views.get(name))
        if old is None or new is None or not change:
            continue
        head = ViewSnapshot(snapshot, old).get
        known, as_seen = carried(old.contents, change, head)
        taken = refolded(old, known, as_seen, seen(old.contents, head), runs)
        if taken.anew or taken.contents != old.contents:
            yield name, with_contents(new, taken.contents, snapshot.revision + 1)


def refolded(old: View, known: Contents, change: Change, old_head: Content, runs: Runs) -> Folded:
    """What a change, as nodes see it, makes of the contents of a view, with who leads then.

    `known` are the contents with what is held back once it is taken in.
    """
    taken = fold(known, change, old_head, partial(runs.superseded, old.name))
    if taken.contents.running and (taken.anew or not old.contents.running):
        return replace(taken, contents=replace(taken.contents, leaders=runs.first(old.name)))
    return taken


def _changes(snapshot: Snapshot, resources: Resources, views: Views, runs: Runs) -> dict[str, Change]:
    found: dict[str, dict[Ref, tuple[Resource | None, Resource | None]]] = {name: {} for name in views}
    endpoints = [key for key in resources if key.type == ENDPOINTS]
    for key, new in resources.items():
        if key.type != ENDPOINTS:
            for name in runs.holders(key):
                found.setdefault(name, {})[key.ref] = (snapshot.resources.get(key), new)
    concerned = found.keys() | runs.apart()
    for key in endpoints:
        for name in _both(concerned, runs.holders(key)):
            if name in found or _is_held(snapshot, name, key.ref):
                found.setdefault(name, {})[key.ref] = (snapshot.resources.get(key), resources[key])
    for name, view in views.items():
        found[name].update(_moved(snapshot, resources, snapshot.views.get(name), view))
    return {
        name: {ref: pair for ref, pair in one.items() if pair[0] != pair[1]} for name, one in found.items()
    }


def _is_held(snapshot: Snapshot, view: str, ref: Ref) -> bool:
    """Whether somebody has an older version, or none, of this name."""
    known = snapshot.views.get(view)
    return known is not None and (ref in known.contents.waiting or ref in known.contents.led)


def _both(one: Collection[str], other: Collection[str]) -> list[str]:
    small, large = (one, other) if len(one) < len(other) else (other, one)
    return [name for name in small if name in large]


def _moved(snapshot: Snapshot, resources: Resources, old: View | None, new: View | None) -> Change:
    return {
        ref: (_at(before, snapshot.resources), _at(after, resources, snapshot.resources))
        for ref, (before, after) in moved_keys(old, new).items()
    }


def _at(key: ResourceKey | None, *tables: Mapping[ResourceKey, Resource | None]) -> Resource | None:
    if key is None:
        return None
    return next((table[key] for table in tables if key in table), None)

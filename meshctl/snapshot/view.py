"""Snapshots and views: which resources a class of nodes may see, and what changed since when.

May import `names`. A snapshot never changes; the next one shares all that stayed, so that publishing
costs what changed. A view is a set of keys, not of resources: an endpoint edit in a service with
thousands of callers touches one resource and no view.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Self

from rpds import HashTrieMap

from meshctl.names import Ref, ResourceKey, TypeUrl
from meshctl.snapshot.contents import ALIKE, HEAD, Contents, Overlay
from meshctl.snapshot.resource import Resource

JOURNAL = 256
"""How many publications back a difference is told at the cost of what changed; beyond, all is compared."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A resource that a view lost at `revision`; a client that reconnects may still hold it."""

    resource: Resource
    revision: int


@dataclass(frozen=True, slots=True)
class View:
    """The keys that one class of nodes may see, and what earlier generations of it had.

    `frozen`: its service is gone while nodes are connected; they keep what they have. `contents`: who is
    not given the newest resources yet, and what they have instead.
    """

    name: str
    keys: Mapping[Ref, ResourceKey]
    tombstones: Mapping[Ref, Tombstone] = field(default_factory=lambda: MappingProxyType({}))
    frozen: bool = False
    contents: Contents = ALIKE


@dataclass(frozen=True, slots=True)
class _Change:
    """One publication: the resources that changed, and for each changed view the names that did."""

    revision: int
    resources: frozenset[ResourceKey]
    views: Mapping[str, frozenset[Ref]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All resources and views of one revision."""

    revision: int = 0
    resources: "HashTrieMap[ResourceKey, Resource]" = field(default_factory=HashTrieMap, repr=False)
    views: "HashTrieMap[str, View]" = field(default_factory=HashTrieMap, repr=False)
    _journal: tuple[_Change, ...] = field(default=(), repr=False)

    def publish(
        self,
        resources: Mapping[ResourceKey, Resource | None],
        views: Mapping[str, View | None],
    ) -> Self:
        """The next snapshot: these resources and views replaced, or gone where None."""
        table, changed = self.resources, set()
        for key, resource in resources.items():
            if table.get(key) == resource:
                continue
            changed.add(key)
            table = table.discard(key) if resource is None else table.insert(key, resource)
        known, names = self.views, {}
        for name, view in views.items():
            names[name] = frozenset(moved_keys(known.get(name), view))
            known = known.discard(name) if view is None else known.insert(name, view)
        revision = self.revision + 1
        change = _Change(revision, frozenset(changed), names)
        journal = (*self._journal[1 - JOURNAL :], change)
        return replace(self, revision=revision, resources=table, views=known, _journal=journal)

    def view(self, name: str) -> "ViewSnapshot | None":
        """The newest that nodes of one class may see, or None if there is no such view."""
        view = self.views.get(name)
        return None if view is None else ViewSnapshot(self, view)

    def changes(self, since: int) -> tuple[_Change, ...] | None:
        """The publications after revision `since`, or None when they are no longer known."""
        behind = self.revision - since
        if behind == 0:
            return ()
        return self._journal[-behind:] if 0 < behind <= len(self._journal) else None

    def views_since(self, since: int) -> Collection[str]:
        """The names of the views that changed after revision `since`; all, when it is no longer known."""
        changes = self.changes(since)
        return self.views if changes is None else {name for change in changes for name in change.views}


def moved_keys(
    old: View | None, new: View | None
) -> Mapping[Ref, tuple[ResourceKey | None, ResourceKey | None]]:
    """The names that two generations of a view have under different keys, or one of them not: both keys."""
    before: Mapping[Ref, ResourceKey] = old.keys if old else {}
    after: Mapping[Ref, ResourceKey] = new.keys if new else {}
    if before is after:
        return {}
    both = ((ref, (before.get(ref), after.get(ref))) for ref in {**before, **after})
    return {ref: keys for ref, keys in both if keys[0] != keys[1]}


@dataclass(frozen=True, slots=True)
class ViewSnapshot:
    """One view at one revision, with what somebody has in place of its newest: what a stream is given."""

    snapshot: Snapshot
    view: View
    overlay: Overlay = field(default_factory=lambda: HEAD)

    @property
    def name(self) -> str:
        """The view's name, such as `sidecar/web@1.40`."""
        return self.view.name

    @property
    def revision(self) -> int:
        """The snapshot's revision."""
        return self.snapshot.revision

    def under(self, overlay: Overlay) -> "ViewSnapshot":
        """The same view at the same revision, as those have it who are given this overlay."""
        return replace(self, overlay=overlay)

    def get(self, ref: Ref) -> Resource | None:
        """The resource of this name, or None if the view has none."""
        if ref in self.overlay:
            return self.overlay[ref]
        key = self.view.keys.get(ref)
        return None if key is None else self.snapshot.resources.get(key)

    def holds_back(self, ref: Ref) -> bool:
        """Whether who has this view is given nothing under this name, though something may need it."""
        if ref in self.overlay:
            return self.overlay[ref] is None
        contents = self.view.contents
        if ref in contents.held:
            return contents.held[ref].kept is None
        return ref in contents.beside and contents.beside[ref] is None

    def names(self, type_url: TypeUrl) -> Iterator[str]:
        """The names of one type, in the view's order."""
        return (ref.name for ref in self._refs() if ref.type == type_url)

    def resources(self, type_url: TypeUrl | None = None) -> Iterator[Resource]:
        """The resources, of one type or of all, in the view's order."""
        for ref in self._refs():
            resource = self.get(ref) if type_url is None or ref.type == type_url else None
            if resource is not None:
                yield resource

    def changed_since(self, older: "ViewSnapshot") -> frozenset[Ref]:
        """The names that differ between an older state of the same view and this one, gone ones included."""
        changes = self.snapshot.changes(older.revision)
        known = None if changes is None else self._told_by(changes)
        maybe = {*older.view.keys, *self.view.keys} if known is None else set(known)
        if older.overlay is not self.overlay:
            maybe.update(older.overlay, self.overlay)
        return frozenset(ref for ref in maybe if older.get(ref) != self.get(ref))

    def _refs(self) -> Iterator[Ref]:
        for ref in self.view.keys:
            if self.overlay.get(ref, self) is not None:
                yield ref
        for ref, resource in self.overlay.items():
            if resource is not None and ref not in self.view.keys:
                yield ref

    def _told_by(self, changes: Iterable[_Change]) -> Iterator[Ref]:
        keys = self.view.keys
        for change in changes:
            yield from change.views.get(self.name, ())
            # Over the shorter of the two: thousands of streams ask after a change of thousands of files.
            if len(change.resources) < len(keys):
                yield from (key.ref for key in change.resources if keys.get(key.ref) == key)
            else:
                yield from (ref for ref, key in keys.items() if key in change.resources)

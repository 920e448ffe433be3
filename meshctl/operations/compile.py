"""Catalog to snapshot: the views that are wanted, their resources, and the next snapshot when they change.

May import all layers below. This is the pipeline in one place: entries are resolved to facts, facts are
encoded to resources, resources stand in views. Publishing costs what changed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from meshctl.catalog.source import Kind
from meshctl.envoy.cluster import Caller
from meshctl.envoy.decode import same_resource
from meshctl.graph import Rule
from meshctl.names import CLUSTER, ENDPOINTS, Ref, ResourceKey, Role, ViewKey, parse_cluster
from meshctl.operations.keep import Same, ServedBytes
from meshctl.operations.places import places, route_place
from meshctl.operations.resolve import Resolver
from meshctl.operations.rules import api, gateways, sidecars, versions
from meshctl.operations.rules.recipe import Recipe
from meshctl.operations.rules.versions import Called, assignment_recipe, cluster_recipe
from meshctl.operations.views import VIEW
from meshctl.problems import Place, nearest, unknown
from meshctl.snapshot import ALIKE, Resource, Snapshot, Tombstone, View

RESOURCES = (*versions.RULES, *sidecars.RULES, *gateways.RULES, *api.RULES)
"""Every rule whose cells are resources."""

WATCHED: tuple[Rule[Any, Any], ...] = (VIEW, *RESOURCES)
"""The rules whose changes make a new snapshot: what a compiler's resolver must watch."""

Fold = Callable[
    [Snapshot, Mapping[ResourceKey, Resource | None], Mapping[str, View | None]], Iterator[tuple[str, View]]
]
"""Given what is published, and the resources and views that change: the views, one by one, that shall be
published in another way than they were given."""

CLIENT = "1.40"
"""The minor release of Envoy that views are compiled for where no node says which one it is."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What changed since the last snapshot, compiled and not published; None: gone."""

    resources: Mapping[ResourceKey, Resource | None]
    views: Mapping[str, View | None]


class Compiler:
    """Compiles the views that somebody wants; `snapshot` is what was published last."""

    def __init__(
        self,
        resolver: Resolver,
        base: Snapshot | None = None,
        same: Same = same_resource,
        fold: Fold = lambda _snapshot, _new, _views: iter(()),
    ) -> None:
        """`base` is the snapshot that nodes may still hold, such as the one on disk after a restart.

        `same` judges when what comes out is served by its old bytes. `fold` decides of changed views who is
        given the newest now; without it, everybody.
        """
        self.resolver = resolver
        self._fold = fold
        self.snapshot = base or Snapshot()
        self._served = ServedBytes(same)
        self._graph = resolver.graph
        self._open: Counter[ViewKey] = Counter()
        self._recipes: dict[str, dict[Recipe, None]] = {}
        self._holders: Counter[ResourceKey] = Counter()
        for view in self.snapshot.views.values():
            self._holders.update(view.keys.values())

    def open(self, key: ViewKey) -> None:
        """A view is wanted, once more; it is in the next snapshot that is published."""
        self._open[key] += 1
        if self._open[key] == 1:
            self._graph.keep(VIEW, key)

    def close(self, key: ViewKey) -> None:
        """A view is wanted once less; the last time, it leaves with the next snapshot."""
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]
            self._graph.release(VIEW, key)

    def publish(self) -> Snapshot:
        """Work off what changed; the same snapshot as before if that comes out equal."""
        for _ in self.publishing(self.compile()):
            pass
        return self.snapshot

    def compile(self) -> Draft:
        """What is to be published of what changed: the slow part, which any thread may do.

        It has to be published next, and nothing else may be asked of the compiler before.
        """
        views = dict(self._changed_views())
        resources = dict(self._changed_resources())
        self._served.done()
        return Draft(resources, views)

    def publishing(self, draft: Draft) -> Iterator[None]:
        """Publish this, in small steps; `snapshot` stays what it was until the last one."""
        views = dict(draft.views)
        for name, view in self._fold(self.snapshot, draft.resources, draft.views):
            views[name] = view
            yield
        resources = {**draft.resources, **dict.fromkeys(self._dropped(draft.views))}
        if views or resources:
            self.snapshot = self.snapshot.publish(resources, views)

    def forget(self, before: Mapping[str, int]) -> None:
        """Drop the tombstones of each view up to a revision: every node of the view has got past them."""
        views: dict[str, View | None] = {}
        for name, revision in before.items():
            old = self.snapshot.views.get(name)
            stones = old.tombstones if old else {}
            kept = old.contents.waiting if old else {}
            left = {ref: one for ref, one in stones.items() if one.revision > revision or kept.get(ref)}
            if old is not None and len(left) < len(stones):
                views[name] = replace(old, tombstones=left)
        if views:
            self.snapshot = self.snapshot.publish({}, views)

    def revise(self, views: Mapping[str, View]) -> None:
        """Publish these views as they are now: who of their nodes is given what has changed."""
        self.snapshot = self.snapshot.publish({}, views)

    def knows(self, key: ViewKey) -> str | None:
        """None if the catalog declares what the nodes of a view stand for; else what it does not know."""
        kind = Kind.GATEWAY if key.role is Role.GATEWAY else Kind.SERVICE
        for target in key.targets:
            if not self.resolver.declares(kind, target):
                return unknown(kind.value, target, nearest(target, self.resolver.names(kind)))
        return None

    def places(self, view: str, ref: Ref, words: str = "") -> list[Place]:
        """The catalog's places behind a resource of a view; `words`, said of it, tell which are meant."""
        recipe = self._recipe(view, ref)
        return places(self._graph, recipe, words) if recipe else []

    def route_place(self, view: str, ref: Ref, host: str, number: int) -> Place | None:
        """The catalog's place behind one route of a virtual host in the routes `ref` of a view."""
        recipe = self._recipe(view, ref)
        return route_place(self._graph, recipe, host, number) if recipe else None

    def _recipe(self, view: str, ref: Ref) -> Recipe | None:
        return next((one for one in self._recipes.get(view, ()) if one.key.ref == ref), None)

    def _changed_views(self) -> Iterator[tuple[str, View | None]]:
        for key in self._graph.take_changed(VIEW):
            old = self.snapshot.views.get(key.name)
            recipes = self._graph.current(VIEW, key)
            if key not in self._open:
                self._want(key.name, ())
                if old is not None:
                    yield key.name, None
            elif recipes is not None:
                self._want(key.name, recipes)
                renewed = self._renewed(key.name, old, recipes)
                if renewed != old:
                    yield key.name, renewed
            elif old is not None:
                self._want(key.name, _survivors(old))
                yield key.name, replace(old, frozen=True)

    def _renewed(self, name: str, old: View | None, recipes: Iterable[Recipe]) -> View:
        """The view with its new keys; what it loses becomes a tombstone."""
        keys = {recipe.key.ref: recipe.key for recipe in recipes}
        stones: dict[Ref, Tombstone] = dict(old.tombstones) if old else {}
        for ref, key in old.keys.items() if old else ():
            lost = self.snapshot.resources.get(key)
            if ref not in keys and lost is not None:
                stones[ref] = Tombstone(lost, self.snapshot.revision + 1)
        left = {ref: stone for ref, stone in stones.items() if ref not in keys}
        return View(name, keys, left, contents=old.contents if old else ALIKE)

    def _want(self, view: str, recipes: Iterable[Recipe]) -> None:
        """Keep the cells of a view's resources, and let those go that it had before."""
        new, old = dict.fromkeys(recipes), self._recipes.get(view, {})
        if new:
            self._recipes[view] = new  # at once, since places are asked for while a thread compiles
        else:
            self._recipes.pop(view, None)
        for recipe in new:
            if recipe not in old:
                self._graph.keep(recipe.rule, recipe.of)
        for recipe in old:
            if recipe not in new:
                self._graph.release(recipe.rule, recipe.of)

    def _changed_resources(self) -> Iterator[tuple[ResourceKey, Resource]]:
        """What was encoded anew. A resource whose cell came out empty stays until no view holds it."""
        for rule in RESOURCES:
            for of in self._graph.take_changed(rule):
                built = self._graph.current(rule, of)
                if built is None:
                    continue
                served = self.snapshot.resources.get(built.key)
                resource = built if served is None else self._served.keep(served, built)
                if resource != served:
                    yield resource.key, resource

    def _dropped(self, views: Mapping[str, View | None]) -> Iterator[ResourceKey]:
        """The resources that no view holds any more, once these views are in place."""
        for name, view in views.items():
            old = self.snapshot.views.get(name)
            self._holders.update(view.keys.values() if view else ())
            self._holders.subtract(old.keys.values() if old else ())
        for key in {key for name in views for key in self._keys(name)}:
            if not self._holders[key]:
                del self._holders[key]
                yield key

    def _keys(self, view: str) -> Iterable[ResourceKey]:
        known = self.snapshot.views.get(view)
        return known.keys.values() if known else ()


def _survivors(view: View) -> Iterator[Recipe]:
    """What keeps its updates in a view whose service is gone: the clusters that still exist."""
    for key in view.keys.values():
        # The names of other types have other forms: gRPC's listeners are named like hosts.
        version = parse_cluster(key.name) if key.type in (CLUSTER, ENDPOINTS) else None
        if key.type == CLUSTER and version:
            yield cluster_recipe(Called(*version, Caller(key.variant)))
        elif key.type == ENDPOINTS and version:
            yield assignment_recipe(*version)


def view_keys(resolver: Resolver, client: str = CLIENT) -> list[ViewKey]:
    """The views of every service's sidecar and of every gateway, sorted."""
    return sorted(
        (
            ViewKey(Role.GATEWAY if source.kind is Kind.GATEWAY else Role.SIDECAR, (source.name,), client)
            for source in resolver.sources.values()
            if source.kind in (Kind.SERVICE, Kind.GATEWAY) and source.entry is not None
        ),
        key=lambda key: key.name,
    )

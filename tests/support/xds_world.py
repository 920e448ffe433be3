"""A small catalog for tests of the protocol: services with versions, and what they compile to.

Resources are plain text in place of messages, so that a model client can read what it was sent.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Ref, ResourceKey, TypeUrl
from meshctl.snapshot import Part, Resource, Snapshot, Tombstone, View, ViewSnapshot
from meshctl.snapshot.encode import assemble

VIEW = "sidecar/web@1.40"
GOOD = "good"
NAMED = "named"
"""A resource that a client refuses by name; it takes what came with it."""
WHOLE = "whole"
"""A resource for which a client refuses everything that came with it, naming nobody."""


def cluster(name: str, generation: int = 0, quality: str = GOOD) -> Resource:
    """A cluster; another generation has other bytes."""
    return _resource(CLUSTER, name, f"cluster {name} {generation} {quality}")


def endpoints(name: str, generation: int = 0, quality: str = GOOD, *, empty: bool = False) -> Resource:
    """The load assignment of a cluster."""
    count = "empty" if empty else "some"
    return _resource(ENDPOINTS, name, f"endpoints {name} {generation} {quality} {count}", empty=empty)


def listener(
    name: str, generation: int = 0, quality: str = GOOD, *, address: str = "", routes: str = ""
) -> Resource:
    """A listener that leads to the routes of its own name, unless others are given."""
    routes = routes or name
    head = f"listener {name} {generation} {quality} {address or name} {routes}"
    return _resource(LISTENER, name, head, needs=[Ref(ROUTES, routes)], address=address or name)


def api_listener(name: str, routes: str) -> Resource:
    """A listener that is given only to who asks for it by name."""
    head = f"listener {name} 0 good - {routes}"
    return _resource(LISTENER, name, head, needs=[Ref(ROUTES, routes)], by_name=True)


def routes(
    name: str, hosts: Mapping[str, Iterable[str]], generation: int = 0, quality: str = GOOD
) -> Resource:
    """A route configuration: each virtual host with the clusters that it names."""
    parts = [virtual_host(host, clusters) for host, clusters in hosts.items()]
    return assemble(ResourceKey(ROUTES, name), f"routes {name} {generation} {quality}\n".encode(), parts)


def virtual_host(name: str, clusters: Iterable[str]) -> Part:
    """One virtual host."""
    names = tuple(clusters)
    needs = tuple(sorted(Ref(CLUSTER, one) for one in names))
    return Part(name, f"{name}={','.join(names)}\n".encode(), needs)


def _resource(
    type_url: TypeUrl,
    name: str,
    head: str,
    *,
    needs: Iterable[Ref] = (),
    empty: bool = False,
    by_name: bool = False,
    address: str = "",
) -> Resource:
    key = ResourceKey(type_url, name)
    return assemble(key, head.encode(), (), list(needs), empty=empty, by_name=by_name, address=address)


class Published:
    """A snapshot with one view, published again and again, with the tombstones of what it lost."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self._resources: dict[Ref, Resource] = {}
        self._versions: dict[Ref, dict[str, Resource]] = {}
        self._stones: dict[Ref, Tombstone] = {}

    def publish(
        self, resources: Iterable[Resource], *, refused: frozenset[tuple[Ref, str]] = frozenset()
    ) -> ViewSnapshot:
        """The view holds exactly these now. A `refused` version is never a tombstone: the one before is."""
        new = {one.ref: one for one in resources}
        revision = self.snapshot.revision + 1
        for ref, one in self._resources.items():
            versions = self._versions.setdefault(ref, {})
            versions[one.version] = versions.pop(one.version, one)  # the newest last
            if ref not in new:
                self._stones[ref] = Tombstone(one, revision)
        for ref, stone in tuple(self._stones.items()):
            good = [one for one in self._versions[ref].values() if (ref, one.version) not in refused]
            if ref.type == ENDPOINTS:
                good = good or [stone.resource]  # a cluster on its way out is warmed, or refused, with these
            if ref in new or not good:
                del self._stones[ref]
            else:
                self._stones[ref] = Tombstone(good[-1], stone.revision)
        changes: dict[ResourceKey, Resource | None] = {
            one.key: None for ref, one in self._resources.items() if ref not in new
        }
        changes.update({one.key: one for one in new.values() if self._resources.get(one.ref) != one})
        keys = {ref: one.key for ref, one in new.items()}
        self._resources = new
        view = View(VIEW, keys, dict(self._stones))
        self.snapshot = self.snapshot.publish(changes, {VIEW: view})
        return self.view

    def forget(self, converged: int) -> None:
        """Drop the tombstones of what every client has let go of by this revision."""
        self._stones = {ref: one for ref, one in self._stones.items() if one.revision > converged}

    @property
    def view(self) -> ViewSnapshot:
        """The view as it is now."""
        view = self.snapshot.view(VIEW)
        assert view is not None
        return view


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a service: generations of its cluster and endpoints, and whether they are any good."""

    cluster: int = 0
    endpoints: int = 0
    cluster_quality: str = GOOD
    endpoints_quality: str = GOOD
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """A service: the versions that exist and those that its routes name."""

    versions: Mapping[str, Version]
    serving: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    """What is published: services, seen through one listener or two."""

    services: Mapping[str, Service] = field(default_factory=dict)
    listener: str = "egress/web"
    listener_generation: int = 0
    listener_quality: str = GOOD
    routes_generation: int = 0
    routes_quality: str = GOOD
    second: bool = False
    second_quality: str = GOOD

    def repaired(self) -> "Catalog":
        """The same with nothing in it that a client refuses."""
        services = {
            name: replace(one, versions={key: _repaired(version) for key, version in one.versions.items()})
            for name, one in self.services.items()
        }
        return replace(
            self, services=services, listener_quality=GOOD, routes_quality=GOOD, second_quality=GOOD
        )

    def with_good_endpoints(self, concerns: Callable[[str, str], bool]) -> "Catalog":
        """The same with good endpoints for the clusters that this concerns, by name and text."""
        services = {
            name: replace(
                one,
                versions={
                    key: version
                    if not concerns(f"{name}/{key}", _text(f"{name}/{key}", version))
                    else replace(
                        _repaired(version), cluster=version.cluster, cluster_quality=version.cluster_quality
                    )
                    for key, version in one.versions.items()
                },
            )
            for name, one in self.services.items()
        }
        return replace(self, services=services)

    def compile(self) -> list[Resource]:
        """The resources of this catalog."""
        out: list[Resource] = []
        hosts: dict[str, list[str]] = {}
        for name, service in sorted(self.services.items()):
            for key, one in sorted(service.versions.items()):
                full = f"{name}/{key}"
                out.append(cluster(full, one.cluster, one.cluster_quality))
                out.append(endpoints(full, one.endpoints, one.endpoints_quality, empty=one.empty))
            hosts[name] = [f"{name}/{key}" for key in service.serving]
        out.append(routes("egress", hosts, self.routes_generation, self.routes_quality))
        first = listener(
            self.listener, self.listener_generation, self.listener_quality, address="one", routes="egress"
        )
        out.append(first)
        if self.second:
            out.append(listener("second", 0, self.second_quality, address="two", routes="second"))
            out.append(routes("second", dict(list(hosts.items())[:1])))
        return out


def _text(name: str, version: Version) -> str:
    return cluster(name, version.cluster, version.cluster_quality).body.decode()


def _repaired(version: Version) -> Version:
    # A refused generation stays refused: repairing is another edit.
    bad_cluster, bad_endpoints = version.cluster_quality != GOOD, version.endpoints_quality != GOOD
    return replace(
        version,
        cluster=version.cluster + bad_cluster,
        endpoints=version.endpoints + bad_endpoints,
        cluster_quality=GOOD,
        endpoints_quality=GOOD,
    )

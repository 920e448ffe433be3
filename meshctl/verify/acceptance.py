"""What a real Envoy says of a snapshot: each cluster, virtual host, route and listener that it refuses.

Imports `envoy.static`, the snapshot, `xds.quarantine`. As few starts as possible: a batch is read whole, and
halved where it is refused, until what is wrong is alone. What many listeners share is read once.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from meshctl.envoy import pb
from meshctl.envoy.static import static_bootstrap, static_cluster, static_listener
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Ref, ResourceKey
from meshctl.snapshot import Resource, Snapshot
from meshctl.snapshot.encode import serialised
from meshctl.snapshot.resource import Part
from meshctl.xds.quarantine import reason

T = TypeVar("T")
_Pair = tuple[Resource, Resource | None]
"""A cluster with its endpoints, if it has them apart, or a listener with its routes."""

Verdict = Callable[[bytes], str | None]
"""Gives a configuration to an Envoy: its words where it refuses it, None where it takes it."""
Progress = Callable[[int], None]
"""Told how many more resources were read."""

MOST = 20
"""Refusals that are looked for: each takes some starts, and nobody repairs more at once."""
_BATCH = 500
"""Resources of one start: of more, halving a refused batch would take longer than reading it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A resource that Envoy refuses, and why.

    `host` is the virtual host that is meant, by its name, and `route` the number of its route; "" and None
    where the whole resource is.
    """

    ref: Ref
    words: str
    host: str = ""
    route: int | None = None


@dataclass(frozen=True, slots=True)
class _Host:
    """A virtual host, and a listener and routes that have it."""

    part: Part
    listener: Resource
    routes: Resource

    def read(self, routes: Iterable[int] | None = None) -> pb.Listener:
        """The listener with this host alone, and of its routes only these."""
        config = pb.RouteConfiguration.FromString(self.routes.head + self.part.body)
        if routes is not None:
            (host,) = config.virtual_hosts
            kept = [host.routes[number] for number in routes]
            del host.routes[:]
            host.routes.extend(kept)
        return static_listener(self.listener.head, config)


def refused(snapshot: Snapshot, refusal: Verdict, progress: Progress = lambda _count: None) -> list[Refused]:
    """What an Envoy refuses of everything that nodes would be given, `MOST` at most."""
    return list(islice(_refused(_pairs(snapshot), refusal, progress), MOST))


def size(snapshot: Snapshot) -> int:
    """How many resources progress is told of."""
    return len(_pairs(snapshot))


def _refused(pairs: Sequence[_Pair], refusal: Verdict, progress: Progress) -> Iterator[Refused]:
    bad: set[bytes] = set()
    for start in range(0, len(pairs), _BATCH):
        batch = pairs[start : start + _BATCH]
        if refusal(_config(batch, bad)) is not None:
            yield from _virtual_hosts(batch, bad, refusal)
            yield from _whole(batch, bad, refusal)
        progress(len(batch))


def _pairs(snapshot: Snapshot) -> list[_Pair]:
    """Of all views, once: each cluster with its endpoints, each listener of an Envoy's with its routes.

    Without, where they fetch none.
    """
    found: dict[tuple[ResourceKey, ResourceKey | None], None] = {}
    for view in snapshot.views.values():
        for key in view.keys.values():
            if key.type == CLUSTER:
                found[key, view.keys.get(Ref(ENDPOINTS, key.name))] = None
            elif key.type == LISTENER and not (one := snapshot.resources[key]).by_name:
                routes = (view.keys[need] for need in one.needs if need.type == ROUTES)
                found[key, next(routes, None)] = None
    ordered = sorted(found, key=lambda pair: (pair[0], pair[1] or pair[0]))
    return [(snapshot.resources[key], snapshot.resources[other] if other else None) for key, other in ordered]


def _config(pairs: Iterable[_Pair], bad: Collection[bytes]) -> bytes:
    """A configuration with all of these, but for the virtual hosts in `bad`."""
    clusters, listeners = [], []
    for one, other in pairs:
        if one.key.type == CLUSTER:
            cluster = static_cluster(one.head, other.head if other else None)
            cluster.name += f"@{one.key.variant}"  # variants are all in one process here
            clusters.append(cluster)
        elif other is None:
            listeners.append(static_listener(one.head, None))
        else:
            parts = (part.body for part in other.parts if part.body not in bad)
            routes = pb.RouteConfiguration.FromString(b"".join((other.head, *parts)))
            listeners.append(static_listener(one.head, routes))
    return serialised(static_bootstrap(clusters, listeners))


def _whole(batch: Sequence[_Pair], bad: Collection[bytes], refusal: Verdict) -> Iterator[Refused]:
    for culprits, words in _culprits(batch, lambda some: refusal(_config(some, bad))):
        for one, _ in culprits:
            yield Refused(one.ref, reason(words))


def _virtual_hosts(batch: Sequence[_Pair], bad: set[bytes], refusal: Verdict) -> Iterator[Refused]:
    """Those that are refused by themselves, each once, however many listeners lead to it."""

    def read(some: Sequence[_Host]) -> str | None:
        return refusal(serialised(static_bootstrap((), (host.read() for host in some))))

    hosts: dict[bytes, _Host] = {}
    for one, routes in batch:
        if routes is not None:
            for part in routes.parts:
                hosts.setdefault(part.body, _Host(part, one, routes))
    for culprits, words in _culprits([host for body, host in hosts.items() if body not in bad], read):
        for host in culprits:
            bad.add(host.part.body)
            yield from _routes(host, words, refusal)


def _routes(host: _Host, words: str, refusal: Verdict) -> Iterator[Refused]:
    """The routes of a refused virtual host that are refused; itself, if each of them alone is taken."""

    def read(some: Sequence[int]) -> str | None:
        return refusal(serialised(static_bootstrap((), [host.read(some)])))

    (config,) = pb.RouteConfiguration.FromString(host.part.body).virtual_hosts
    found = False
    for culprits, why in _culprits(range(len(config.routes)), read):
        found = True
        alone = culprits[0] if len(culprits) == 1 else None
        yield Refused(host.routes.ref, reason(why), host.part.name, alone)
    if not found:
        yield Refused(host.routes.ref, reason(words), host.part.name)


def _culprits(
    items: Sequence[T], read: Callable[[Sequence[T]], str | None]
) -> Iterator[tuple[Sequence[T], str]]:
    """The smallest parts of `items` that are refused, each with Envoy's words; one, or some together."""
    words = read(items)
    if words is None:
        return
    middle, alone = len(items) // 2, True
    for half in (items[:middle], items[middle:]) if middle else ():
        for found in _culprits(half, read):
            alone = False
            yield found
    if alone:
        yield items, words

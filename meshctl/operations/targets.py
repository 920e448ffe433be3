"""What a node may stand for: whether the catalog declares it, and where a first request to it would go.

May import the catalog; no protobuf.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

from meshctl.catalog.files import MeshFile
from meshctl.catalog.gateway import Gateway
from meshctl.catalog.keys.protocol import Protocol
from meshctl.catalog.service import Service
from meshctl.catalog.source import AnyEntry, Kind
from meshctl.names import Role
from meshctl.operations.entries import suggested, teams
from meshctl.operations.resolve import Resolver
from meshctl.problems import nearest, unknown

_TOLD = 10  # names, where none is near; more would hide the message


class NoTarget(Exception):
    """No node can stand for it; the message says why."""


class UnknownTarget(NoTarget):
    """The catalog does not declare it; the message names what is nearest."""


class TwoOnOnePort(NoTarget):
    """Services that one sidecar cannot have together; the message names the keys."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a node listens on its own machine, and the hosts that it answers for.

    `address` is empty, and `hosts` are none, where the entry that says so is broken or says nothing.
    """

    address: str
    hosts: tuple[str, ...]


def target(resolver: Resolver, role: Role, names: Sequence[str]) -> Target:
    """What a sidecar of these services, or this one gateway, is to its machine. Raises NoTarget."""
    kind = Kind.GATEWAY if role is Role.GATEWAY else Kind.SERVICE
    for name in names:
        if not resolver.declares(kind, name):
            raise UnknownTarget(_unknown(resolver, kind, name))
    entries = [source.entry for source in resolver.sources.values() if source.name in names]
    if role is Role.GATEWAY:
        return _gateway(entries)
    _check_ports([entry for entry in entries if isinstance(entry, Service)])
    mesh = next((s.entry for s in resolver.sources.values() if isinstance(s.entry, MeshFile)), None)
    uses = dict.fromkeys(used for entry in entries if isinstance(entry, Service) for used in entry.uses)
    return Target(str(mesh.egress) if mesh else "", tuple(_plain(resolver, uses)))


def _plain(resolver: Resolver, names: Collection[str]) -> Iterator[str]:
    """The services of these names that answer any request, in their order; a broken one might."""
    services = (source.entry for source in resolver.sources.values() if source.name in names)
    others = {
        one.service
        for one in services
        if isinstance(one, Service) and one.protocol not in (None, Protocol.HTTP, Protocol.HTTP2)
    }
    return (name for name in names if name not in others)


def _check_ports(services: Sequence[Service]) -> None:
    """Whether their sidecar can listen on the port of each, and each process on its own."""
    behind = [service for service in services if service.target_port is not None]
    for one, other in permutations(behind, 2):
        for key, port in (("port", other.port), ("target_port", other.target_port)):
            if one.port == port:
                words = f"{key}: {port} of {other.service} is where the sidecar listens for {one.service}"
                raise TwoOnOnePort(f"one machine cannot have both: {words}; give one of them another port")


def _unknown(resolver: Resolver, kind: Kind, name: str) -> str:
    known = sorted(resolver.names(kind))
    near = nearest(name, known)
    words = unknown(kind.value, name, near)
    if near:
        return words
    if not known and kind is Kind.GATEWAY:
        return f"{words}: the catalog has none; {_first_gateway(resolver, name)}"
    some = [*known[:_TOLD], "…"] if len(known) > _TOLD else known
    return f"{words}; the catalog has {', '.join(some) or 'none'}"


def _first_gateway(resolver: Resolver, name: str) -> str:
    """How a gateway could be written that leads to a service of this catalog."""
    team = next(iter(teams(resolver)), "platform")
    return (
        f"write one, such as {team}/{name}.yaml in the catalog:\n\n"
        f"gateway: {name}\n"
        'listeners: [{bind: "127.0.0.1:10000"}]\n'
        "sites:\n"
        f"  - {{hosts: [www.example.com], routes: [{{to: {suggested(resolver) or 'SERVICE'}}}]}}"
    )


def _gateway(entries: Sequence[AnyEntry | None]) -> Target:
    gateway = next((entry for entry in entries if isinstance(entry, Gateway)), None)
    if gateway is None:
        return Target("", ())
    bind = gateway.listeners[0].bind if gateway.listeners else None
    return Target(str(bind) if bind else "", tuple(_hosts(gateway)))


def _hosts(gateway: Gateway) -> Iterator[str]:
    for site in gateway.sites:
        yield from (str(host) for host in site.hosts if "*" not in str(host))

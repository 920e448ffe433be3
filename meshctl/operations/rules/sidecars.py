"""What a sidecar listens on, for the calls of its services and for those of others.

May import the mesh, envoy and snapshot, and its neighbours.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from meshctl import names
from meshctl.catalog.keys.protocol import Protocol
from meshctl.envoy import ingress, listener, routes
from meshctl.graph import Look, Rule
from meshctl.mesh.addresses import bind
from meshctl.mesh.calls import CALLS
from meshctl.mesh.check import MESH
from meshctl.mesh.ingress import INGRESS
from meshctl.mesh.interface import INTERFACE
from meshctl.mesh.own import OWN
from meshctl.names import CLUSTER, LISTENER, ROUTES, Ref, ResourceKey
from meshctl.operations.rules.hosts import SERVICE_HOST, UNKNOWN_HOST
from meshctl.operations.rules.recipe import Recipe
from meshctl.operations.rules.versions import passed_on
from meshctl.snapshot.encode import encode, encode_part
from meshctl.snapshot.resource import Resource


def _callees(look: Look, services: tuple[str, ...]) -> list[str] | None:
    """All that the services of one sidecar use, or None where one of them has no entry."""
    callees: dict[str, None] = {}
    for service in services:
        calls = look(CALLS, service)
        if calls is None:
            return None
        callees.update(dict.fromkeys(calls.services))
    return sorted(callees)


class Outgoing(NamedTuple):
    """The routes of a sidecar's services, in one variant (`envoy.since`)."""

    services: tuple[str, ...]
    variant: str


def _egress_routes(look: Look, key: Outgoing) -> Resource | None:
    callees = _callees(look, key.services)
    if callees is None:
        return None
    hosts = (look(SERVICE_HOST, callee) for callee in callees)
    parts = [*(host for host in hosts if host is not None), look(UNKNOWN_HOST, key.variant)]
    at = ResourceKey(ROUTES, names.egress(key.services), key.variant)
    return encode(at, routes.egress_routes(key.services), parts=parts)


class Egress(NamedTuple):
    """A sidecar's way out: its services, and the node's own address for it ("": the mesh's)."""

    services: tuple[str, ...]
    own: str


def _egress_listener(look: Look, key: Egress) -> Resource | None:
    mesh = look(MESH, "")
    if mesh is None:
        return None
    address = key.own or mesh.egress
    name = names.egress(key.services)
    message = listener.egress_listener(key.services, address)
    at = ResourceKey(LISTENER, name, key.own)
    return encode(at, message, needs=[Ref(ROUTES, name)], address=address)


class OwnPort(NamedTuple):
    """A sidecar's own port for one service, and the node's own egress address ("": the mesh's)."""

    service: str
    own: str


def _egress_port(look: Look, key: OwnPort) -> Resource | None:
    mesh, interface = look(MESH, ""), look(INTERFACE, key.service)
    if mesh is None or interface is None or interface.egress_port is None:
        return None
    ip = (key.own or mesh.egress).rpartition(":")[0]
    bind = f"{ip}:{interface.egress_port}"
    if interface.protocol.is_tcp:
        message, needs = listener.egress_tcp(interface.passage, bind), [passed_on(key.service)]
    else:
        message = listener.egress_http(key.service, bind)
        needs = [Ref(ROUTES, names.egress_http(key.service))]
    return encode(ResourceKey(LISTENER, message.name, key.own), message, needs=needs, address=bind)


def _egress_port_routes(look: Look, name: str) -> Resource | None:
    interface = look(INTERFACE, name)
    if interface is None or interface.egress_port is None:
        return None
    message = routes.only_host(interface)
    part = encode_part(name, message, list(routes.clusters_of(interface.routes)))
    at = ResourceKey(ROUTES, names.egress_http(name))
    return encode(at, routes.egress_port_routes(name), parts=[part])


def _inbound_cluster(look: Look, service: str) -> Resource | None:
    own, facts = look(OWN, service), look(INGRESS, service)
    if own is None or facts is None:
        return None
    message = ingress.inbound_cluster(service, own.protocol, own.settings, facts)
    return encode(ResourceKey(CLUSTER, names.inbound(service)), message)


def _ingress_routes(look: Look, service: str) -> Resource | None:
    if look(INGRESS, service) is None:
        return None
    needs = [Ref(CLUSTER, names.inbound(service))]
    return encode(ResourceKey(ROUTES, names.ingress(service)), ingress.ingress_routes(service), needs=needs)


class Entrance(NamedTuple):
    """A service's own sidecar, and the node's own IP address for what it is sent ("": all there are)."""

    service: str
    own: str


def _ingress_listener(look: Look, key: Entrance) -> Resource | None:
    facts = look(INGRESS, key.service)
    if facts is None:
        return None
    address = bind(key.own or facts.address, facts.port)
    name = names.ingress(key.service)
    message = ingress.ingress_listener(key.service, facts.protocol, address)
    need = Ref(CLUSTER, names.inbound(key.service)) if facts.protocol.is_tcp else Ref(ROUTES, name)
    return encode(ResourceKey(LISTENER, name, key.own), message, needs=[need], address=address)


EGRESS_ROUTES: Rule[Outgoing, Resource | None] = Rule("egress routes", 9, _egress_routes)
EGRESS_LISTENER: Rule[Egress, Resource | None] = Rule("egress listener", 9, _egress_listener)
PORT_LISTENER: Rule[OwnPort, Resource | None] = Rule("egress port listener", 9, _egress_port)
PORT_ROUTES: Rule[str, Resource | None] = Rule("egress port routes", 9, _egress_port_routes)
INBOUND_CLUSTERS: Rule[str, Resource | None] = Rule("inbound cluster", 8, _inbound_cluster)
INGRESS_ROUTES: Rule[str, Resource | None] = Rule("ingress routes", 9, _ingress_routes)
INGRESS_LISTENER: Rule[Entrance, Resource | None] = Rule("ingress listener", 9, _ingress_listener)

RULES: tuple[Rule[Any, Resource | None], ...] = (
    EGRESS_ROUTES,
    EGRESS_LISTENER,
    PORT_LISTENER,
    PORT_ROUTES,
    INBOUND_CLUSTERS,
    INGRESS_ROUTES,
    INGRESS_LISTENER,
)
"""Whose cells are resources."""


def ingress_recipes(service: str, own: str, protocol: Protocol) -> Iterator[Recipe]:
    """What takes a service's requests in its own sidecar, and the process beside it; see `Entrance`."""
    name = names.ingress(service)
    yield Recipe(ResourceKey(CLUSTER, names.inbound(service)), INBOUND_CLUSTERS, service)
    yield Recipe(ResourceKey(LISTENER, name, own), INGRESS_LISTENER, Entrance(service, own))
    if not protocol.is_tcp:
        yield Recipe(ResourceKey(ROUTES, name), INGRESS_ROUTES, service)

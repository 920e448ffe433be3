"""The rules that make resources of facts, on the one graph: facts in, encoded resources out.

May import the mesh, envoy and snapshot. A cell is keyed by what it is about; a virtual host is a cell of its
own, so that a change of one service encodes it once for all its callers.
"""

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

from meshctl import names
from meshctl.catalog.keys.protocol import Protocol
from meshctl.envoy import cluster, endpoints, ingress, listener, routes
from meshctl.envoy.cluster import Caller
from meshctl.envoy.match import envoy_paths, grpc_paths
from meshctl.graph import Look, Rule
from meshctl.mesh.addresses import bind
from meshctl.mesh.calls import CALLS
from meshctl.mesh.check import MESH
from meshctl.mesh.facts import GatewayHost
from meshctl.mesh.gateway import GATEWAY
from meshctl.mesh.ingress import INGRESS
from meshctl.mesh.interface import INTERFACE
from meshctl.mesh.own import OWN
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Ref, ResourceKey
from meshctl.snapshot.encode import encode, encode_part
from meshctl.snapshot.resource import Part, Resource

Version = tuple[str, str]
"""A service and one of its versions."""


class Called(NamedTuple):
    """A version as its callers have it, some of them not as all others do."""

    service: str
    version: str
    caller: Caller = Caller.ANY


def _cluster(look: Look, key: Called) -> Resource | None:
    own = look(OWN, key.service)
    version = own.version(key.version) if own else None
    if own is None or version is None:
        return None
    at = ResourceKey(CLUSTER, names.cluster(key.service, key.version), key.caller.value)
    return encode(at, cluster.cluster(key.service, version, own.protocol, own.settings, key.caller))


def _assignment(look: Look, key: Version) -> Resource | None:
    own = look(OWN, key[0])
    version = own.version(key[1]) if own else None
    if version is None or version.dns:
        return None
    message = endpoints.load_assignment(key[0], version)
    return encode(ResourceKey(ENDPOINTS, names.cluster(*key)), message, empty=not version.endpoints)


def _service_host(look: Look, name: str) -> Part | None:
    interface = look(INTERFACE, name)
    if interface is None or interface.protocol.is_tcp:
        return None
    message = routes.service_host(interface, envoy_paths)
    return encode_part(name, message, list(routes.clusters_of(interface.routes)))


def _gateway_host(_look: Look, host: GatewayHost) -> Part:
    """Keyed by the facts themselves: a gateway's hosts that stay equal are not encoded again."""
    needs = list(routes.clusters_of(host.routes))
    return encode_part(host.domains[0], routes.gateway_host(host), needs)


def _unknown_host(_look: Look, variant: str) -> Part:
    return encode_part(routes.NOT_IN_USES, routes.unknown_host(variant), [])


SERVICE_HOST: Rule[str, Part | None] = Rule("service host", 8, _service_host)
GATEWAY_HOST: Rule[GatewayHost, Part] = Rule("gateway host", 8, _gateway_host)
UNKNOWN_HOST: Rule[str, Part] = Rule("unknown host", 8, _unknown_host)
CLUSTERS: Rule[Called, Resource | None] = Rule("cluster", 8, _cluster)
ASSIGNMENTS: Rule[Version, Resource | None] = Rule("load assignment", 8, _assignment)


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
        message, needs = listener.egress_tcp(interface.passage, bind), [_passed_on(key.service)]
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


def _passed_on(service: str) -> Ref:
    """The cluster of a service whose connections are passed on."""
    return Ref(CLUSTER, names.cluster(service, names.TCP))


class Door(NamedTuple):
    """One address that a gateway listens on."""

    gateway: str
    bind: str


def _gateway_routes(look: Look, key: Door) -> Resource | None:
    facts = look(GATEWAY, key.gateway)
    if facts is None or key.bind not in facts.binds:
        return None
    parts = [look(GATEWAY_HOST, host) for host in facts.hosts]
    return encode(ResourceKey(ROUTES, names.gateway_listener(*key)), routes.gateway_routes(*key), parts=parts)


def _gateway_listener(look: Look, key: Door) -> Resource | None:
    facts = look(GATEWAY, key.gateway)
    passages = dict(facts.passages).get(key.bind, ()) if facts else ()
    name = names.gateway_listener(*key)
    if passages:
        message = listener.gateway_passages(*key, passages)
        needs = [_passed_on(passage.service) for passage in passages]
        return encode(ResourceKey(LISTENER, name), message, needs=needs, address=key.bind)
    if facts is None or key.bind not in facts.binds:
        return None
    message = listener.gateway_listener(*key)
    return encode(ResourceKey(LISTENER, name), message, needs=[Ref(ROUTES, name)], address=key.bind)


def _api_routes(look: Look, name: str) -> Resource | None:
    interface = look(INTERFACE, name)
    if interface is None:
        return None
    needs = list(routes.clusters_of(interface.routes))
    part = encode_part(name, routes.service_host(routes.without_sessions(interface), grpc_paths), needs)
    return encode(ResourceKey(ROUTES, names.api_routes(name)), routes.api_routes(name), parts=[part])


class Api(NamedTuple):
    """A name by which gRPC clients ask for a service."""

    service: str
    name: str


def _api_listener(_look: Look, key: Api) -> Resource | None:
    message = listener.api_listener(key.name, key.service)
    needs = [Ref(ROUTES, names.api_routes(key.service))]
    return encode(ResourceKey(LISTENER, key.name), message, needs=needs, by_name=True)


EGRESS_ROUTES: Rule[Outgoing, Resource | None] = Rule("egress routes", 9, _egress_routes)
PORT_LISTENER: Rule[OwnPort, Resource | None] = Rule("egress port listener", 9, _egress_port)
PORT_ROUTES: Rule[str, Resource | None] = Rule("egress port routes", 9, _egress_port_routes)
EGRESS_LISTENER: Rule[Egress, Resource | None] = Rule("egress listener", 9, _egress_listener)
INBOUND_CLUSTERS: Rule[str, Resource | None] = Rule("inbound cluster", 8, _inbound_cluster)
INGRESS_ROUTES: Rule[str, Resource | None] = Rule("ingress routes", 9, _ingress_routes)
INGRESS_LISTENER: Rule[Entrance, Resource | None] = Rule("ingress listener", 9, _ingress_listener)
GATEWAY_ROUTES: Rule[Door, Resource | None] = Rule("gateway routes", 9, _gateway_routes)
GATEWAY_LISTENER: Rule[Door, Resource | None] = Rule("gateway listener", 9, _gateway_listener)
API_ROUTES: Rule[str, Resource | None] = Rule("api routes", 9, _api_routes)
API_LISTENER: Rule[Api, Resource | None] = Rule("api listener", 9, _api_listener)

RESOURCES: tuple[Rule[Any, Resource | None], ...] = (
    CLUSTERS,
    ASSIGNMENTS,
    EGRESS_LISTENER,
    PORT_LISTENER,
    PORT_ROUTES,
    EGRESS_ROUTES,
    INBOUND_CLUSTERS,
    INGRESS_LISTENER,
    INGRESS_ROUTES,
    GATEWAY_LISTENER,
    GATEWAY_ROUTES,
    API_LISTENER,
    API_ROUTES,
)
"""Every rule whose cells are resources."""


class Recipe(NamedTuple):
    """Which cell makes the resource of a key."""

    key: ResourceKey
    rule: Rule[Any, Resource | None]
    of: Hashable


def cluster_recipe(called: Called) -> Recipe:
    """The cluster of a version."""
    name = names.cluster(called.service, called.version)
    return Recipe(ResourceKey(CLUSTER, name, called.caller.value), CLUSTERS, called)


def assignment_recipe(service: str, version: str) -> Recipe:
    """The endpoints of a version that are not looked up by name."""
    return Recipe(ResourceKey(ENDPOINTS, names.cluster(service, version)), ASSIGNMENTS, (service, version))


def ingress_recipes(service: str, own: str, protocol: Protocol) -> Iterator[Recipe]:
    """What takes a service's requests in its own sidecar, and the process beside it; see `Entrance`."""
    name = names.ingress(service)
    yield Recipe(ResourceKey(CLUSTER, names.inbound(service)), INBOUND_CLUSTERS, service)
    yield Recipe(ResourceKey(LISTENER, name, own), INGRESS_LISTENER, Entrance(service, own))
    if not protocol.is_tcp:
        yield Recipe(ResourceKey(ROUTES, name), INGRESS_ROUTES, service)

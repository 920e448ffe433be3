"""Which resources the nodes of a class may see: a set of keys, each with the cell that makes it.

May import the mesh and the rules of resources. A view reads no resource: an endpoint edit of a service
that thousands call touches none of their views.
"""

from collections.abc import Iterable, Iterator

from meshctl import names
from meshctl.envoy.cluster import Caller
from meshctl.envoy.routes import EGRESS_USES
from meshctl.envoy.since import variant
from meshctl.fleet.node import GRPC
from meshctl.graph import Look, Rule
from meshctl.mesh.calls import CALLS
from meshctl.mesh.check import MESH
from meshctl.mesh.gateway import GATEWAY
from meshctl.mesh.ingress import INGRESS
from meshctl.mesh.interface import EGRESS_PORT, INTERFACE
from meshctl.names import LISTENER, ROUTES, ResourceKey, Role, ViewKey
from meshctl.operations.rules.api import API_LISTENER, API_ROUTES, Api
from meshctl.operations.rules.gateways import GATEWAY_LISTENER, GATEWAY_ROUTES, Door
from meshctl.operations.rules.recipe import Recipe
from meshctl.operations.rules.sidecars import (
    EGRESS_LISTENER,
    EGRESS_ROUTES,
    PORT_LISTENER,
    PORT_ROUTES,
    Egress,
    Outgoing,
    OwnPort,
    ingress_recipes,
)
from meshctl.operations.rules.versions import Called, assignment_recipe, cluster_recipe


def _view(look: Look, key: ViewKey) -> tuple[Recipe, ...] | None:
    if look(MESH, "") is None:
        return None
    if key.role is Role.GATEWAY:
        return _gateway(look, key)
    callees: set[str] = set()
    for service in key.targets:
        calls = look(CALLS, service)
        if calls is None:
            return None
        callees.update(calls.services)
    if key.client == GRPC:
        asked = [callee for callee in callees if not _is_passed_on(look, callee)]
        return tuple(sorted((*_versions(look, asked, key), *_api(look, asked))))
    services = _versions(look, callees, key)
    return tuple(sorted((*services, *_egress(look, key, callees), *_ingress(look, key))))


VIEW: Rule[ViewKey, tuple[Recipe, ...] | None] = Rule("view", 10, _view)
"""What the nodes of one class may see; None where the catalog does not declare what they stand for."""


def _versions(look: Look, services: Iterable[str], key: ViewKey) -> Iterator[Recipe]:
    for service in services:
        interface = look(INTERFACE, service)
        if interface is None:
            continue
        asks = key.role is Role.GATEWAY and interface.gateways_ask
        caller = Caller.GATEWAY if asks else Caller.ANY
        for version in interface.versions:
            if version in interface.by_name:
                looks_up = Caller.GRPC if key.client == GRPC else caller
                yield cluster_recipe(Called(service, version, looks_up))
            else:
                yield cluster_recipe(Called(service, version, caller))
                yield assignment_recipe(service, version)


def _is_passed_on(look: Look, service: str) -> bool:
    interface = look(INTERFACE, service)
    return interface is not None and interface.protocol.is_tcp


def _egress(look: Look, key: ViewKey, callees: Iterable[str]) -> Iterator[Recipe]:
    for callee in callees:
        yield from _own_port(look, callee, key.egress)
    name = names.egress(key.targets)
    yield Recipe(ResourceKey(LISTENER, name, key.egress), EGRESS_LISTENER, Egress(key.targets, key.egress))
    older = variant(key.client, EGRESS_USES)
    yield Recipe(ResourceKey(ROUTES, name, older), EGRESS_ROUTES, Outgoing(key.targets, older))


def _ingress(look: Look, key: ViewKey) -> Iterator[Recipe]:
    for service in key.targets:
        facts = look(INGRESS, service)
        if facts is not None:
            yield from ingress_recipes(service, key.ingress, facts.protocol)


def _own_port(look: Look, callee: str, own: str) -> Iterator[Recipe]:
    """The port of a callee that is asked for by no name, or by its port too."""
    if look(EGRESS_PORT, callee) is None:
        return
    tcp = _is_passed_on(look, callee)
    name = names.egress_tcp(callee) if tcp else names.egress_http(callee)
    yield Recipe(ResourceKey(LISTENER, name, own), PORT_LISTENER, OwnPort(callee, own))
    if not tcp:
        yield Recipe(ResourceKey(ROUTES, name), PORT_ROUTES, callee)


def _api(look: Look, services: Iterable[str]) -> Iterator[Recipe]:
    for service in services:
        interface = look(INTERFACE, service)
        if interface is None:
            continue
        yield Recipe(ResourceKey(ROUTES, names.api_routes(service)), API_ROUTES, service)
        for domain in interface.domains:
            yield Recipe(ResourceKey(LISTENER, domain), API_LISTENER, Api(service, domain))


def _gateway(look: Look, key: ViewKey) -> tuple[Recipe, ...] | None:
    facts = look(GATEWAY, key.targets[0])
    if facts is None:
        return None
    doors = []
    for bind, _ in facts.passages:
        door = Door(facts.name, bind)
        key_of = ResourceKey(LISTENER, names.gateway_listener(*door))
        doors.append(Recipe(key_of, GATEWAY_LISTENER, door))
    for bind in facts.binds:
        door = Door(facts.name, bind)
        name = names.gateway_listener(*door)
        doors.append(Recipe(ResourceKey(LISTENER, name), GATEWAY_LISTENER, door))
        doors.append(Recipe(ResourceKey(ROUTES, name), GATEWAY_ROUTES, door))
    return tuple(sorted((*_versions(look, facts.services, key), *doors)))

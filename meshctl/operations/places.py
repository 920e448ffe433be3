"""From a resource back to the catalog: the places that it is made from, the likeliest first.

May import the mesh and the rules of resources. Asked when an Envoy refuses something: what it said of it
(`words`) tells which endpoint, host or cluster is meant, where it names one.
"""

import re
from collections.abc import Iterable, Iterator

from meshctl.catalog.gateway import Gateway
from meshctl.catalog.source import Kind
from meshctl.envoy.routes import made_of
from meshctl.graph import Graph
from meshctl.mesh.calls import CALLS
from meshctl.mesh.facts import RouteFacts
from meshctl.mesh.gateway import GATEWAY
from meshctl.mesh.inputs import ENTRIES
from meshctl.mesh.interface import INTERFACE
from meshctl.mesh.own import OWN
from meshctl.names import cluster
from meshctl.operations.rules.api import API_LISTENER, API_ROUTES, Api
from meshctl.operations.rules.gateways import GATEWAY_LISTENER, GATEWAY_ROUTES, Door
from meshctl.operations.rules.recipe import Recipe
from meshctl.operations.rules.sidecars import (
    EGRESS_LISTENER,
    EGRESS_ROUTES,
    INBOUND_CLUSTERS,
    INGRESS_LISTENER,
    INGRESS_ROUTES,
    PORT_LISTENER,
    PORT_ROUTES,
    Egress,
    Entrance,
    Outgoing,
    OwnPort,
)
from meshctl.operations.rules.versions import ASSIGNMENTS, CLUSTERS, Called
from meshctl.problems import Place

_KEYS = {"HealthCheck": "health", "RingHash": "load_balancing", "Maglev": "load_balancing"}
"""Messages within a cluster, and the keys that they are made of."""


def places(graph: Graph, recipe: Recipe, words: str = "") -> list[Place]:
    """The places behind the resource of a recipe; none if its entry is gone."""
    return list(dict.fromkeys(_places(graph, recipe, words)))


def route_place(graph: Graph, recipe: Recipe, host: str, number: int) -> Place | None:
    """The place of one route of Envoy's, by its virtual host and its number there; None if it is gone."""
    facts: Iterable[RouteFacts] = ()
    if recipe.rule in (EGRESS_ROUTES, PORT_ROUTES):
        interface = graph.current(INTERFACE, host)
        facts = interface.routes if interface else ()
    elif isinstance(recipe.of, Door):
        gateway = graph.current(GATEWAY, recipe.of.gateway)
        hosts = gateway.hosts if gateway else ()
        facts = next((one.routes for one in hosts if one.domains[0] == host), ())
    route = made_of(facts, number)
    return route.origin if route else None


def _places(graph: Graph, recipe: Recipe, words: str) -> Iterator[Place]:
    match recipe.rule, recipe.of:
        case rule, Called() as called if rule is CLUSTERS:
            yield from _keys(graph, called.service, words)
            yield from _version(graph, called.service, called.version, words)
        case rule, (str() as service, str() as version) if rule is ASSIGNMENTS:
            yield from _version(graph, service, version, words)
        case rule, Egress() as egress if rule is EGRESS_LISTENER:
            yield from _entries(graph, Kind.SERVICE, egress.services)
        case rule, OwnPort() as port if rule is PORT_LISTENER:
            yield from _key(graph, port.service, "egress_port")
        case rule, Outgoing() as outgoing if rule is EGRESS_ROUTES:
            yield from _calls(graph, outgoing.services, words)
        case rule, Entrance() as entrance if rule is INGRESS_LISTENER:
            yield from _key(graph, entrance.service, "port")
        case rule, str() as service if rule in (INBOUND_CLUSTERS, INGRESS_ROUTES):
            yield from _key(graph, service, "target_port")
        case rule, Door() as door if rule in (GATEWAY_LISTENER, GATEWAY_ROUTES):
            yield from _gateway(graph, door, words)
        case rule, str() as service if rule in (API_ROUTES, PORT_ROUTES):
            yield from _called(graph, service, words)
        case rule, Api() as api if rule is API_LISTENER:
            yield from _entries(graph, Kind.SERVICE, (api.service,))


def _keys(graph: Graph, service: str, words: str) -> Iterator[Place]:
    """The keys of a service that become the messages which are named."""
    for message, key in _KEYS.items():
        if message in words:
            yield from (Place(place.file, (key,)) for place in _entries(graph, Kind.SERVICE, (service,)))


def _version(graph: Graph, service: str, version: str, words: str) -> Iterator[Place]:
    own = graph.current(OWN, service)
    facts = own.version(version) if own else None
    if facts is None:
        return
    named = [endpoint.origin for endpoint in facts.endpoints if _says(words, endpoint.address)]
    yield from named or [facts.origin]


def _calls(graph: Graph, services: Iterable[str], words: str) -> Iterator[Place]:
    """Routes of callers: those of the callees that are named, or else the lines that say who is called."""
    callees = sorted({name for one in services for name in _uses(graph, one)})
    named = [callee for callee in callees if _is_named(graph, callee, words)]
    for callee in named:
        yield from _called(graph, callee, words)
    if not named:
        for place in _entries(graph, Kind.SERVICE, services):
            yield Place(place.file, ("uses",))


def _called(graph: Graph, callee: str, words: str) -> Iterator[Place]:
    interface = graph.current(INTERFACE, callee)
    yield from _routes(interface.routes if interface else (), words)
    yield from _entries(graph, Kind.SERVICE, (callee,))


def _key(graph: Graph, service: str, key: str) -> Iterator[Place]:
    for place in _entries(graph, Kind.SERVICE, (service,)):
        yield Place(place.file, (key,))


def _gateway(graph: Graph, door: Door, words: str) -> Iterator[Place]:
    facts = graph.current(GATEWAY, door.gateway)
    for host in facts.hosts if facts else ():
        if any(_says(words, domain) for domain in host.domains):
            yield from (route.origin for route in host.routes)
        else:
            yield from _routes(host.routes, words)
    for place in _entries(graph, Kind.GATEWAY, (door.gateway,)):
        yield Place(place.file, ("listeners", _number(graph, door)))


def _number(graph: Graph, door: Door) -> int:
    """Which of the gateway's listeners it is."""
    for declared in graph.current(ENTRIES, (Kind.GATEWAY, door.gateway)) or ():
        listeners = declared.entry.listeners if isinstance(declared.entry, Gateway) else ()
        for number, listener in enumerate(listeners):
            if str(listener.bind) == door.bind:
                return number
    return 0


def _routes(routes: Iterable[RouteFacts], words: str) -> Iterator[Place]:
    """The routes that lead to a cluster that is named."""
    for route in routes:
        if any(_says(words, cluster(to.service, to.version)) for to in route.action.split):
            yield route.origin


def _uses(graph: Graph, service: str) -> tuple[str, ...]:
    calls = graph.current(CALLS, service)
    return calls.services if calls else ()


def _is_named(graph: Graph, service: str, words: str) -> bool:
    interface = graph.current(INTERFACE, service)
    return interface is not None and any(_says(words, domain) for domain in interface.domains)


def _entries(graph: Graph, kind: Kind, names: Iterable[str]) -> Iterator[Place]:
    for name in names:
        for declared in graph.current(ENTRIES, (kind, name)) or ():
            yield Place(declared.file)


def _says(words: str, name: str) -> bool:
    """Whether the text names it, not only as a part of another name."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", words) is not None

"""Stratum `own`: what a service says of itself, defaults applied; nothing of other services.

May import the catalog and the graph.
"""

from collections.abc import Iterator
from typing import NamedTuple

from meshctl.catalog.inherited import Inherited
from meshctl.catalog.keys.health import GrpcCheck
from meshctl.catalog.keys.protocol import Protocol
from meshctl.catalog.keys.route import Route
from meshctl.catalog.keys.to import Target
from meshctl.catalog.service import Service
from meshctl.catalog.source import Kind
from meshctl.graph import Index, Look, Rule
from meshctl.mesh.edition import EDITIONS
from meshctl.mesh.facts import Action, Ingress, RouteFacts, ServiceOwn, VersionFacts, Weight
from meshctl.mesh.inputs import Declared, defaults_file, mesh_file, service_entry
from meshctl.mesh.match import RequestMatch
from meshctl.mesh.problems import NOT_IN_PROTOCOL, NOTHING_ASKED
from meshctl.mesh.settings import Health, Settings, layered
from meshctl.mesh.versions import joined, split_of, versions_of
from meshctl.problems import Place, Problem


class HostClaim(NamedTuple):
    """A service's claim on a host; `alias` is its place among the aliases, -1 for a derived name."""

    file: str
    service: str
    alias: int

    @property
    def place(self) -> Place:
        """Where the host is claimed."""
        return Place(self.file, ("aliases", self.alias) if self.alias >= 0 else ("service",))


HOSTS: Index[str, HostClaim] = Index("hosts", stratum=3)
"""Who claims a host name that sidecars resolve."""


class IngressClaim(NamedTuple):
    """A service whose sidecar takes its requests on a port of a machine."""

    file: str
    service: str


INGRESSES: Index[tuple[str, int], IngressClaim] = Index("ingresses", stratum=3)
"""Whose sidecars listen on an address, by the address of an endpoint and the port."""


def _own(look: Look, name: str) -> ServiceOwn | None:
    found, mesh = service_entry(look, name), mesh_file(look)
    if found is None or mesh is None:
        return None
    declared, service = found
    for host, alias in _hosts(service, mesh.domain):
        look.claim(HOSTS, host, HostClaim(declared.file, name, alias))
    protocol = service.protocol or Protocol.HTTP
    settings = layered(EDITIONS[mesh.edition][protocol], service, *_inherited(look, protocol))
    if problem := _wrong_health(declared.file, service, protocol, settings.health):
        look.report(problem)
    own = _facts(declared, service, _domains(service, mesh.domain), protocol, settings)
    for address in own.addresses if own.ingress else ():
        look.claim(INGRESSES, (address, service.port), IngressClaim(declared.file, name))
    return own


OWN: Rule[str, ServiceOwn | None] = Rule("own", 2, _own)
"""A service's own facts by its name; None where no file that could be read declares it."""


def _wrong_health(file: str, service: Service, protocol: Protocol, health: Health) -> Problem | None:
    """Nothing is asked, or nothing that can be. Half of it may be what defaults.yaml says, or said."""
    if service.health and health.asks_nothing:
        code, message = NOTHING_ASKED, "neither the service nor defaults.yaml says what endpoints are asked"
        fix = "write path: /healthz, grpc: {} or tcp: connect beside it"
    elif isinstance(health.check, GrpcCheck) and not protocol.is_http2:
        code, message = NOT_IN_PROTOCOL, f"gRPC's health service is not asked over protocol {protocol.value}"
        fix = "write protocol: grpc, or health: {path: /healthz}"
    else:
        return None
    place = Place(file, ("health",) if service.health else ("service",))
    return Problem(code, place, message, fix, missing=Kind.DEFAULTS.value)


def _inherited(look: Look, protocol: Protocol) -> Iterator[Inherited]:
    """What defaults.yaml says of a service, the more exact first."""
    defaults = defaults_file(look)
    if defaults is not None and protocol in defaults.protocol:
        yield defaults.protocol[protocol]
    if defaults is not None and defaults.service is not None:
        yield defaults.service


def _facts(
    declared: Declared, service: Service, domains: tuple[str, ...], protocol: Protocol, settings: Settings
) -> ServiceOwn:
    versions = versions_of(declared.file, service)
    split = split_of(service, versions)
    if protocol.is_tcp:
        versions, split = joined(service.service, versions, split)
    return ServiceOwn(
        name=service.service,
        file=declared.file,
        domains=domains,
        protocol=protocol,
        ingress=_ingress(service, protocol, versions),
        egress_port=service.egress_port,
        versions=versions,
        split=split,
        routes=tuple(
            _route(route, Place(declared.file, ("routes", index)))
            for index, route in enumerate(service.routes)
        ),
        settings=settings,
        session=service.affinity.session if service.affinity else None,
    )


def _hosts(service: Service, domain: str) -> list[tuple[str, int]]:
    derived = [(service.service, -1), (f"{service.service}.{domain}", -1)]
    return derived + [(alias, index) for index, alias in enumerate(service.aliases)]


def _domains(service: Service, domain: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(host for host, _ in _hosts(service, domain)))


def _ingress(service: Service, protocol: Protocol, versions: tuple[VersionFacts, ...]) -> Ingress | None:
    if service.target_port is None:
        return None
    endpoints = (endpoint for version in versions for endpoint in version.endpoints)
    everywhere = "::" if any(":" in endpoint.address for endpoint in endpoints) else "0.0.0.0"
    return Ingress(everywhere, service.port, service.target_port, protocol)


def _route(route: Route, origin: Place) -> RouteFacts:
    """A service's own route: to its versions, or an answer of the proxy's own."""
    return RouteFacts(RequestMatch.of(route.match), Action(_weights(route.to), route.respond), origin)


def _weights(target: Target | None) -> tuple[Weight, ...]:
    destinations = target.destinations if target else ()
    return tuple(
        Weight(to.service, to.version, to.weight.basis_points)
        for to in destinations
        if to.version is not None and to.weight.basis_points
    )

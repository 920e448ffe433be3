"""Stratum `interface`: what callers need of a service, never its endpoints; conflicts of hosts.

May import the catalog and the graph. An endpoint edit changes `own` and stops here.
"""

from dataclasses import dataclass, field, replace

from meshctl.graph import Look, Rule
from meshctl.mesh.facts import Action, Patience, Retries, RouteFacts, ServiceInterface, ServiceOwn
from meshctl.mesh.match import RequestMatch
from meshctl.mesh.own import HOSTS, OWN
from meshctl.mesh.problems import DUPLICATE_HOST
from meshctl.mesh.settings import Settings
from meshctl.names import Role
from meshctl.problems import Place, Problem


def _interface(look: Look, name: str) -> ServiceInterface | None:
    own = look(OWN, name)
    if own is None:
        return None
    for host in own.domains:
        _check_host(look, name, host)
    return ServiceInterface(
        name=name,
        protocol=own.protocol,
        egress_port=own.egress_port,
        domains=tuple(host for host in own.domains if look.claimed(HOSTS, host)[0].service == name),
        versions=tuple(version.name for version in own.versions),
        by_name=frozenset(version.name for version in own.versions if version.dns),
        split=own.split,
        routes=_routes(own),
        gateways_ask=own.settings.health.asked_by(Role.GATEWAY) != own.settings.health.asked_by(Role.SIDECAR),
        patience=_patience(own.settings),
        retries=_retries(own),
        hashed_by=own.settings.load_balancing.hashed_by,
        session=own.session,
    )


INTERFACE: Rule[str, ServiceInterface | None] = Rule("interface", 4, _interface)
"""What callers need of a service, by its name; None where it has no facts."""


@dataclass(frozen=True, slots=True)
class EgressPort:
    """A port of callers' sidecars that a service has for itself."""

    number: int
    origin: Place = field(compare=False)


def _egress_port(look: Look, name: str) -> EgressPort | None:
    own = look(OWN, name)
    if own is None or own.egress_port is None:
        return None
    return EgressPort(own.egress_port, Place(own.file, ("egress_port",)))


EGRESS_PORT: Rule[str, EgressPort | None] = Rule("egress port", 3, _egress_port)
"""Where callers' sidecars listen for a service, by its name; a cell of its own, since thousands read it."""


def _routes(own: ServiceOwn) -> tuple[RouteFacts, ...]:
    """The service's own routes, then the one that takes the rest to what is serving."""
    rest = RouteFacts(RequestMatch(), Action(own.split), Place(own.file, ("serving",)))
    return tuple(_as_called(own, route) for route in (*own.routes, rest))


def _as_called(own: ServiceOwn, route: RouteFacts) -> RouteFacts:
    """The route with what all routes to the service have."""
    if not route.action.split:
        return route
    action = replace(
        route.action,
        patience=_patience(own.settings),
        retries=_retries(own),
        hashed_by=own.settings.load_balancing.hashed_by,
        session=own.session,
    )
    return replace(route, action=action)


def _patience(settings: Settings) -> Patience:
    return Patience(settings.timeouts.request, settings.timeouts.idle, settings.deadlines)


def _retries(own: ServiceOwn) -> Retries:
    said = own.settings.retries
    marked = own.ingress is not None
    return Retries(said.attempts, said.envoy_conditions, said.host_attempts, marked)


def _check_host(look: Look, name: str, host: str) -> None:
    first, *others = look.claimed(HOSTS, host)
    for claim in others:
        if claim.service == name and first != claim:
            look.report(
                Problem(
                    DUPLICATE_HOST,
                    claim.place,
                    f"the host {host!r} belongs to service {first.service!r} already",
                    fix="use another name, or take it out of one of the two",
                    also=(first.place,),
                )
            )

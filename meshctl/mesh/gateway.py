"""Stratum `bound`: a gateway with its sites, the services behind them, and what teams expose there.

May import the catalog and the graph. Each domain's list of routes is first what was exposed for it (never
two claims on one request), then the site's own routes in file order.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from meshctl.catalog.gateway import Gateway, Site
from meshctl.catalog.keys.respond import Respond
from meshctl.catalog.keys.route import Route
from meshctl.catalog.keys.sni import Sni
from meshctl.catalog.keys.to import Target
from meshctl.catalog.keys.weights import ALL
from meshctl.catalog.source import Kind
from meshctl.graph import Look, Rule
from meshctl.mesh.calls import unknown_service
from meshctl.mesh.delegation import ADMITTED, covers
from meshctl.mesh.exposures import Exposure
from meshctl.mesh.facts import (
    Action,
    GatewayFacts,
    GatewayHost,
    Passage,
    Patience,
    RouteFacts,
    ServiceInterface,
    Weight,
)
from meshctl.mesh.inputs import DECLARED, gateway_entry, mesh_file
from meshctl.mesh.interface import INTERFACE
from meshctl.mesh.match import RequestMatch
from meshctl.mesh.problems import UNKNOWN_VERSION, WRONG_WAY
from meshctl.problems import Place, Problem, nearest
from meshctl.units import Duration, Off

Door = tuple[str, tuple[Passage, ...]]
"""An address whose connections are passed on, and where they go."""


def _gateway(look: Look, name: str) -> GatewayFacts | None:
    found = gateway_entry(look, name)
    if found is None or mesh_file(look) is None:
        return None
    declared, gateway = found
    claims = look(ADMITTED, name)
    hosts: list[GatewayHost] = []
    for index, site in enumerate(gateway.sites):
        place = Place(declared.file, ("sites", index, "routes"))
        own = tuple(_site_routes(look, site.routes, place))
        hosts.extend(_hosts(look, site, own, claims.get(index, ())))
    passages = tuple(_doors(look, declared.file, gateway))
    return GatewayFacts(
        name=name,
        binds=tuple(str(listener.bind) for listener in gateway.listeners if not listener.passes_on),
        passages=passages,
        hosts=tuple(hosts),
        services=_services(hosts, passages),
    )


GATEWAY: Rule[str, GatewayFacts | None] = Rule("gateway", 6, _gateway)
"""A gateway's facts by its name; None where no file that could be read declares it."""


def _services(hosts: Iterable[GatewayHost], doors: Iterable[Door]) -> tuple[str, ...]:
    routes = (route for host in hosts for route in host.routes)
    asked = {weight.service for route in routes for weight in route.action.split}
    return tuple(sorted(asked | {passage.service for _, passages in doors for passage in passages}))


def _doors(look: Look, file: str, gateway: Gateway) -> Iterator[Door]:
    """Where connections are passed on; one of which no service can be served is no door for now."""
    for index, listener in enumerate(gateway.listeners):
        place = Place(file, ("listeners", index))
        if listener.tcp is not None:
            found = tuple(_passage(look, listener.tcp, (), replace(place, path=(*place.path, "tcp"))))
        else:
            found = tuple(_by_name(look, listener.sni, place)) if listener.sni else ()
        if found:
            yield str(listener.bind), found


def _by_name(look: Look, sni: Sni, place: Place) -> Iterator[Passage]:
    hosts: dict[str, list[str]] = {}
    for host, service in sni.services.items():
        hosts.setdefault(service, []).append(host)
    for service, names in hosts.items():
        yield from _passage(look, service, tuple(names), replace(place, path=(*place.path, "sni", names[0])))


def _passage(look: Look, service: str, names: tuple[str, ...], place: Place) -> Iterator[Passage]:
    callee = _bound(look, service, place)
    if callee is not None and not callee.protocol.is_tcp:
        look.report(_no_connections(callee, place))
    elif callee is not None:
        yield replace(callee.passage, names=names)


def _no_connections(callee: ServiceInterface, place: Place) -> Problem:
    message = f"service {callee.name!r} speaks {callee.protocol.value}: its requests go by the sites"
    fix = f"remove it, and add a site with routes: [{{to: {callee.name}}}]"
    return Problem(WRONG_WAY, place, message, fix=fix, missing=callee.name)


def _hosts(
    look: Look, site: Site, own: tuple[RouteFacts, ...], claims: Sequence[Exposure]
) -> Iterator[GatewayHost]:
    """The site's domains, and those that were exposed beneath a wildcard, grouped by what is claimed."""
    domains = dict.fromkeys((*site.hosts, *(claim.host for claim in claims)))
    groups: dict[tuple[Exposure, ...], list[str]] = {}
    for domain in domains:
        covering = tuple(claim for claim in claims if covers(claim.host, domain))
        groups.setdefault(covering, []).append(domain)
    for covering, together in groups.items():
        exposed = (route for claim in covering for route in _exposed_routes(look, claim))
        yield GatewayHost(tuple(together), tuple(_reachable((*exposed, *own))))


def _reachable(routes: Iterable[RouteFacts]) -> Iterator[RouteFacts]:
    for route in routes:
        yield route
        if route.match.everything:
            return


def _exposed_routes(look: Look, claim: Exposure) -> Iterator[RouteFacts]:
    return _enter(look(INTERFACE, claim.service), claim.service, claim.match, claim.origin)


def _site_routes(look: Look, routes: Sequence[Route], place: Place) -> Iterator[RouteFacts]:
    for index, route in enumerate(routes):
        origin = replace(place, path=(*place.path, index))
        match = RequestMatch.of(route.match)
        if route.to is None:
            yield RouteFacts(match, Action(respond=route.respond), origin)
        elif _is_plain(route.to):
            service = route.to.destinations[0].service
            yield from _enter(_asked(look, service, origin), service, match, origin)
        else:
            yield RouteFacts(match, _shared(look, route.to, origin), origin)


def _is_plain(target: Target) -> bool:
    return len(target.destinations) == 1 and target.destinations[0].version is None


def _enter(
    interface: ServiceInterface | None, service: str, match: RequestMatch, origin: Place
) -> Iterator[RouteFacts]:
    """A service's own routes behind a match: both matches hold, the first such route wins."""
    if interface is None:
        yield RouteFacts(match, _no_facts(service), origin)
        return
    for route in interface.routes:
        both = match.both(route.match)
        if both is not None:
            yield RouteFacts(both, route.action, origin)


def _no_facts(service: str) -> Action:
    """What a request gets while its service has no entry that can be served: never another's answer."""
    return Action(respond=Respond(status=503, body=f"service {service} is not configured\n"))


def _asked(look: Look, service: str, origin: Place) -> ServiceInterface | None:
    """The service behind a route, None where no request can be answered by it."""
    place = replace(origin, path=(*origin.path, "to"))
    callee = _bound(look, service, place)
    if callee is not None and callee.protocol.is_tcp:
        look.report(_no_requests(callee, place))
        return None
    return callee


def _no_requests(callee: ServiceInterface, place: Place) -> Problem:
    message = f"service {callee.name!r} speaks {callee.protocol.value}, which has no requests to route"
    fix = f'write listeners: [{{bind: "0.0.0.0:3306", tcp: {callee.name}}}]'
    return Problem(WRONG_WAY, place, message, fix=fix, missing=callee.name)


def _bound(look: Look, service: str, place: Place) -> ServiceInterface | None:
    if not look(DECLARED, (Kind.SERVICE, service)):
        look.report(unknown_service(service, place))
        return None
    return look(INTERFACE, service)


def _shared(look: Look, target: Target, origin: Place) -> Action:
    """Traffic shared by weight: straight to versions, past the services' own routes.

    It is one route for all of them: with the longest timeouts among them, the retries of the first, and the
    same endpoint for what the first says that says something of it.
    """
    split: list[Weight] = []
    callees: list[ServiceInterface] = []
    for to in target.destinations:
        callee = _asked(look, to.service, origin)
        if callee is None or not to.weight.basis_points:
            continue
        callees.append(callee)
        if to.version is None:
            split.extend(replace(w, weight=w.weight * to.weight.basis_points) for w in callee.split)
        elif to.version in callee.versions:
            split.append(Weight(to.service, to.version, to.weight.basis_points * ALL.basis_points))
        else:
            look.report(_unknown_version(callee, to.version, origin))
    if not split:
        return _no_facts(target.destinations[0].service)
    patience = Patience(
        _longest(callee.patience.request for callee in callees),
        _longest(callee.patience.idle for callee in callees),
        all(callee.patience.deadlines for callee in callees),
    )
    marked = any(callee.retries.marked for callee in callees)
    retries = replace(callees[0].retries, marked=marked)
    hashed_by = next((callee.hashed_by for callee in callees if callee.hashed_by), None)
    session = next((callee.session for callee in callees if callee.session), None)
    return Action(
        tuple(split),
        patience=patience,
        retries=retries,
        hashed_by=hashed_by,
        session=session,
    )


def _longest(limits: Iterable[Duration | Off]) -> Duration | Off:
    times = tuple(limits)
    return Off.OFF if Off.OFF in times else max(time for time in times if isinstance(time, Duration))


def _unknown_version(callee: ServiceInterface, version: str, origin: Place) -> Problem:
    near = nearest(version, callee.versions) or callee.versions[0]
    return Problem(
        UNKNOWN_VERSION,
        replace(origin, path=(*origin.path, "to")),
        f"service {callee.name!r} has no version {version!r}",
        fix=f"write '{callee.name}/{near}'",
        missing=callee.name,
    )

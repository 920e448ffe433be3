"""What a gateway lets teams expose: each claim within what its site opens, and no two on one request.

May import the catalog and the graph.
"""

from collections.abc import Iterator, Mapping, Sequence

from meshctl.catalog.gateway import Gateway, Site
from meshctl.catalog.keys.path import PathPattern
from meshctl.catalog.source import Kind
from meshctl.graph import Look, Rule
from meshctl.mesh.exposures import EXPOSED, EXPOSURES, Exposure
from meshctl.mesh.inputs import DECLARED, TEAM, TEAMS, gateway_entry
from meshctl.mesh.match import PathMatch
from meshctl.mesh.pathtree import PathTree
from meshctl.mesh.problems import NOT_OPEN, OVERLAPPING_EXPOSE, UNKNOWN_TENANT
from meshctl.problems import Place, Problem, nearest

_TOLD = 10
"""Hosts of a gateway that a message lists where none is near."""


def covers(outer: str, host: str) -> bool:
    """Whether a site's or claim's host takes in another: the same, or a wildcard above it."""
    return outer == host or (outer.startswith("*") and host.endswith(outer[1:]) and host != outer[1:])


def _admitted(look: Look, name: str) -> Mapping[int, Sequence[Exposure]]:
    found = gateway_entry(look, name)
    if found is None:
        return {}
    file, gateway = found[0].file, found[1]
    _check_tenants(look, file, gateway)
    taken: dict[int, list[Exposure]] = {}
    for claim in _claims(look, gateway.gateway):
        index = _site_of(gateway, claim)
        if index is not None and _is_open(gateway.sites[index], claim):
            taken.setdefault(index, []).append(claim)
        else:
            look.report(_not_open(gateway, file, claim, index))
    for claims in taken.values():
        _check_overlaps(look, claims)
    return taken


ADMITTED: Rule[str, Mapping[int, Sequence[Exposure]]] = Rule("admitted", 5, _admitted)
"""The claims on a gateway, by its name, and by the index of their site; what it does not allow is reported.

A cell of its own: it reads what is claimed and not where that leads, so that a shift of weights compares
no claims.
"""


def _claims(look: Look, gateway: str) -> Iterator[Exposure]:
    for name in look.claimed(EXPOSED, gateway):
        exposures = look(EXPOSURES, name.service)
        if name.number < len(exposures):  # the index is one step ahead while a change is worked off
            yield exposures[name.number]


def _site_of(gateway: Gateway, claim: Exposure) -> int | None:
    """The site that gets the claim's requests: of those whose host covers it, the one with the longest."""
    found = [
        (len(host), -index)
        for index, site in enumerate(gateway.sites)
        for host in site.hosts
        if covers(host, claim.host)
    ]
    return -max(found)[1] if found else None


def _is_open(site: Site, claim: Exposure) -> bool:
    return any(claim.match.path.within(PathMatch.of(pattern)) for pattern in _opened(site, claim))


def _opened(site: Site, claim: Exposure) -> tuple[PathPattern, ...]:
    """What a site opens to the claim's service or team; a name that is both means the service."""
    return site.open_to.get(claim.service, site.open_to.get(claim.team, ()))


def _not_open(gateway: Gateway, file: str, claim: Exposure, index: int | None) -> Problem:
    name = gateway.gateway
    if index is None:
        hosts = sorted(host for site in gateway.sites for host in site.hosts)
        some = [*hosts[:_TOLD], "…"] if len(hosts) > _TOLD else hosts
        near = nearest(claim.host, hosts) or ", ".join(some) or "none yet"
        message, fix = f"gateway {name!r} has no site for {claim.host!r}", f"its hosts: {near}"
        place = Place(file, ("sites",))
    else:
        place = Place(file, ("sites", index))
        message = f"gateway {name!r} does not open {claim.match.path} of {claim.host} to {claim.service!r}"
        told = ", ".join(map(str, _opened(gateway.sites[index], claim)))
        fix = f"stay within {told}" if told else f"ask for open_to: {{{claim.service}: [...]}} on that site"
    return Problem(NOT_OPEN, claim.origin, message, fix=fix, also=(place,))


def _check_overlaps(look: Look, claims: Sequence[Exposure]) -> None:
    before: PathTree[Exposure] = PathTree()
    for second in claims:
        for first in before.meeting(second.match.path):
            if _collide(first, second):
                look.report(_overlap(first, second))
        before.add(second.match.path, second)


def _collide(first: Exposure, second: Exposure) -> bool:
    if first.service == second.service:
        return False  # within one file the order decides, and its team sees it
    meet = covers(first.host, second.host) or covers(second.host, first.host)
    return meet and first.match.both(second.match) is not None


def _overlap(first: Exposure, second: Exposure) -> Problem:
    return Problem(
        OVERLAPPING_EXPOSE,
        second.origin,
        f"{second.match.path} of {second.host} meets {first.match.path} of {first.service!r}",
        fix="expose other paths, so that each request has one owner",
        also=(first.origin,),
    )


def _check_tenants(look: Look, file: str, gateway: Gateway) -> None:
    for index, site in enumerate(gateway.sites):
        for tenant in site.open_to:
            if not (look.given(TEAMS, tenant) or look(DECLARED, (Kind.SERVICE, tenant))):
                place = Place(file, ("sites", index, "open_to", tenant), on_key=True)
                look.report(_unknown_tenant(tenant, place))


def _unknown_tenant(name: str, place: Place) -> Problem:
    return Problem(
        UNKNOWN_TENANT,
        place,
        f"no team or service is named {name!r}",
        fix="name a team's folder or a service",
        missing=name,
        among=(TEAM, Kind.SERVICE.value),
    )

"""What services expose at gateways: each claim by itself, and which gateway is asked.

May import the catalog and the graph.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from meshctl.catalog.source import Kind
from meshctl.graph import Index, Look, Rule
from meshctl.mesh.inputs import DECLARED, service_entry
from meshctl.mesh.match import RequestMatch
from meshctl.mesh.problems import UNKNOWN_GATEWAY
from meshctl.problems import Place, Problem


@dataclass(frozen=True, slots=True)
class Exposure:
    """One claim of a service on requests of a gateway."""

    service: str
    team: str
    gateway: str
    host: str
    match: RequestMatch
    origin: Place = field(compare=False)


class ExposureName(NamedTuple):
    """Which claim is meant: the n-th `expose` of a service. Sorts by file, then by place in it."""

    file: str
    service: str
    number: int


EXPOSED: Index[str, ExposureName] = Index("exposed", stratum=3)
"""The claims on a gateway, by its name."""


def _exposures(look: Look, name: str) -> tuple[Exposure, ...]:
    found = service_entry(look, name)
    if found is None:
        return ()
    declared, service = found
    claims = []
    for index, expose in enumerate(service.expose):
        origin = Place(declared.file, ("expose", index))
        if not look(DECLARED, (Kind.GATEWAY, expose.on)):
            look.report(_unknown_gateway(expose.on, Place(declared.file, ("expose", index, "on"))))
        look.claim(EXPOSED, expose.on, ExposureName(declared.file, name, index))
        match = RequestMatch.of(expose.match)
        claims.append(Exposure(name, declared.team, expose.on, expose.host, match, origin))
    return tuple(claims)


EXPOSURES: Rule[str, tuple[Exposure, ...]] = Rule("exposures", 2, _exposures)
"""What a service exposes, by its name."""


def _unknown_gateway(name: str, place: Place) -> Problem:
    return Problem(
        UNKNOWN_GATEWAY,
        place,
        f"no gateway is named {name!r}",
        fix="name one of the gateways in the catalog, or add an entry for it",
        missing=name,
        among=(Kind.GATEWAY.value,),
    )

"""The ports of a sidecar that services have for themselves: none can be had twice.

May import the catalog and the graph.
"""

from collections.abc import Iterator

from meshctl.catalog.service import Service
from meshctl.graph import Look
from meshctl.mesh.addresses import ADMIN, ADMIN_WORDS
from meshctl.mesh.inputs import mesh_file, service_entry
from meshctl.mesh.interface import EGRESS_PORT
from meshctl.mesh.problems import PORT_CLASH
from meshctl.problems import Place, Problem

_Taken = tuple[str, Place | None]
"""Who has a port, and where that is said, if the catalog says it."""


def check_egress_ports(look: Look, name: str) -> None:
    """Report what clashes where the sidecar of a service listens for what it calls."""
    found, mesh = service_entry(look, name), mesh_file(look)
    if found is None or mesh is None:
        return
    declared, service = found
    egress = str(mesh.egress)
    taken: dict[int, _Taken] = {_port(ADMIN): (ADMIN_WORDS, None)}
    taken[_port(egress)] = (f"{egress}, the egress of mesh.yaml", None)
    taken.update(_own(service, declared.file))
    for index, used in enumerate(service.uses):
        egress_port = look(EGRESS_PORT, used)
        if egress_port is None:
            continue
        wanted = f"{egress.rpartition(':')[0]}:{egress_port.number} for {used}"
        what, first = taken.setdefault(egress_port.number, (wanted, egress_port.origin))
        if first != egress_port.origin:
            also = (egress_port.origin, *((first,) if first else ()))
            look.report(_clash(Place(declared.file, ("uses", index)), wanted, what, also))


def _own(service: Service, file: str) -> Iterator[tuple[int, _Taken]]:
    """What a service and its own sidecar listen on."""
    if service.target_port is not None:
        yield service.port, (f"its own port {service.port}", Place(file, ("port",)))
        yield service.target_port, (f"its own port {service.target_port}", Place(file, ("target_port",)))


def _clash(place: Place, wanted: str, taken: str, also: tuple[Place, ...]) -> Problem:
    fix = f"give {'one of the two' if len(also) > 1 else 'it'} another egress_port"
    return Problem(PORT_CLASH, place, f"{wanted} cannot be listened on beside {taken}", fix=fix, also=also)


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])

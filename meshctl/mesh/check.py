"""Conflicts of names and addresses, and one cell an entry that draws in everything that may be wrong with it.

May import the catalog and the graph. Keeping the `CHECK` cell of every entry finds every problem,
whether or not any node uses the entry.
"""

from itertools import combinations

from meshctl.catalog.gateway import Gateway
from meshctl.catalog.source import Kind
from meshctl.graph import Look, Rule
from meshctl.mesh.addresses import ADMIN, ADMIN_WORDS, clash, overlap
from meshctl.mesh.calls import CALLS
from meshctl.mesh.egress import check_egress_ports
from meshctl.mesh.exposures import EXPOSURES
from meshctl.mesh.facts import MeshFacts
from meshctl.mesh.gateway import GATEWAY
from meshctl.mesh.ingress import INGRESS
from meshctl.mesh.inputs import ENTRIES, EntryName, gateway_entry, mesh_file
from meshctl.mesh.interface import INTERFACE
from meshctl.mesh.problems import DUPLICATE_NAME, DUPLICATE_SITE, NO_MESH
from meshctl.problems import Place, Problem

MESH_MISSING = Problem(
    NO_MESH,
    Place("mesh.yaml"),
    "the catalog has no mesh.yaml",
    fix="write mesh.yaml with format, edition and name, as `meshctl init` does",
)
"""Without it nothing has a default; a folder that lacks it is taken for one that is half there."""


def _mesh(look: Look, _key: str) -> MeshFacts | None:
    mesh = mesh_file(look)
    return None if mesh is None else MeshFacts(str(mesh.egress))


MESH: Rule[str, MeshFacts | None] = Rule("mesh", 1, _mesh)
"""What holds for the whole mesh; its one key is the empty string."""


def _check(look: Look, entry: EntryName) -> None:
    kind, name = entry
    declared = look.given(ENTRIES, entry) or ()
    for other in declared[1:]:
        look.report(_duplicate(kind, name, other.file, declared[0].file))
    match kind:
        case Kind.SERVICE:
            look(INTERFACE, name)
            look(INGRESS, name)
            look(CALLS, name)
            check_egress_ports(look, name)
            look(EXPOSURES, name)
        case Kind.GATEWAY:
            look(GATEWAY, name)
            _check_gateway(look, name)
        case Kind.MESH:
            _check_mesh(look, known=bool(declared))
        case Kind.DEFAULTS:
            pass


CHECK: Rule[EntryName, None] = Rule("check", 7, _check)
"""Draws in all that may be wrong with one entry; mesh.yaml's is kept even where the file is missing."""


def _duplicate(kind: Kind, name: str, file: str, first: str) -> Problem:
    return Problem(
        DUPLICATE_NAME,
        Place(file, (kind.value,)),
        f"{kind.value} {name!r} is declared already",
        fix="rename one of the two, or delete it",
        also=(Place(first, (kind.value,)),),
    )


def _check_gateway(look: Look, name: str) -> None:
    found = gateway_entry(look, name)
    if found is None:
        return
    declared, gateway = found
    binds = [str(listener.bind) for listener in gateway.listeners]
    for (i, one), (j, other) in combinations(enumerate(binds), 2):
        if overlap(one, other):
            first = Place(declared.file, ("listeners", i, "bind"))
            look.report(clash(Place(declared.file, ("listeners", j, "bind")), other, one, first))
    for index, bind in enumerate(binds):
        if overlap(bind, ADMIN):
            place = Place(declared.file, ("listeners", index, "bind"))
            look.report(clash(place, bind, ADMIN_WORDS))
    _check_sites(look, declared.file, gateway)


def _check_sites(look: Look, file: str, gateway: Gateway) -> None:
    seen: dict[str, Place] = {}
    for index, site in enumerate(gateway.sites):
        for number, host in enumerate(site.hosts):
            place = Place(file, ("sites", index, "hosts", number))
            first = seen.setdefault(host, place)
            if first != place:
                message = f"the host {host!r} has a site already"
                fix = "put its routes into one site, or take it out of one of the two"
                look.report(Problem(DUPLICATE_SITE, place, message, fix=fix, also=(first,)))


def _check_mesh(look: Look, *, known: bool) -> None:
    mesh = mesh_file(look)
    if not known:
        look.report(MESH_MISSING)
    elif mesh is not None and overlap(str(mesh.egress), ADMIN):
        place = Place("mesh.yaml", ("egress",))
        look.report(clash(place, str(mesh.egress), ADMIN_WORDS))

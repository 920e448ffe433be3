"""Stratum `interface`: where a service's own sidecar takes its requests; ports that cannot be had twice.

May import the catalog and the graph. What else runs on a machine, the catalog knows where two services have
endpoints of one address.
"""

from meshctl.graph import Look, Rule
from meshctl.mesh.addresses import ADMIN, ADMIN_WORDS, bind, clash, overlap
from meshctl.mesh.facts import Ingress, ServiceOwn
from meshctl.mesh.inputs import mesh_file
from meshctl.mesh.own import INGRESSES, OWN
from meshctl.problems import Place


def _ingress(look: Look, name: str) -> Ingress | None:
    own = look(OWN, name)
    if own is None or own.ingress is None:
        return None
    _check_envoy(look, own, own.ingress)
    _check_process(look, own, own.ingress)
    _check_neighbours(look, own, own.ingress)
    return own.ingress


INGRESS: Rule[str, Ingress | None] = Rule("ingress", 4, _ingress)
"""Where a service's own sidecar takes its requests; None where callers reach the process itself."""


def _check_envoy(look: Look, own: ServiceOwn, ingress: Ingress) -> None:
    """Whatever else the sidecar listens on."""
    mesh = mesh_file(look)
    taken = {ADMIN: ADMIN_WORDS}
    if mesh is not None:
        taken[str(mesh.egress)] = f"{mesh.egress}, the egress of mesh.yaml"
    own_binds = {"port": f"0.0.0.0:{ingress.port}", "target_port": f"127.0.0.1:{ingress.target_port}"}
    for key, wanted in own_binds.items():
        for other, words in taken.items():
            if overlap(wanted, other):
                look.report(clash(Place(own.file, (key,)), wanted, words))


def _check_process(look: Look, own: ServiceOwn, ingress: Ingress) -> None:
    if ingress.port == ingress.target_port:
        process, sidecar = f"127.0.0.1:{ingress.target_port}", f"0.0.0.0:{ingress.port}"
        first = Place(own.file, ("port",))
        look.report(clash(Place(own.file, ("target_port",)), process, f"{sidecar}, its own sidecar's", first))


def _check_neighbours(look: Look, own: ServiceOwn, ingress: Ingress) -> None:
    """Sidecars of other services on the machines of its endpoints; one problem a key is enough."""
    for key, port in (("port", ingress.port), ("target_port", ingress.target_port)):
        for address in own.addresses:
            claims = look.claimed(INGRESSES, (address, port))
            # Of two sidecars one is told; a process is always told, since it has no claim of its own.
            others = (claim for claim in claims if claim.service != own.name)
            first = next((one for one in others if key == "target_port" or one.service < own.name), None)
            if first is not None:
                where = bind(address, port)
                wanted = where if key == "port" else bind("127.0.0.1", port)
                taken = f"{where}, where the sidecar of {first.service} does"
                look.report(clash(Place(own.file, (key,)), wanted, taken, Place(first.file, ("port",))))
                break

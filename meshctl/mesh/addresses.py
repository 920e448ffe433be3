"""Addresses that one machine can have once: what overlaps, and what to say of it.

May import `problems` and the codes of the mesh.
"""

from meshctl.mesh.problems import PORT_CLASH
from meshctl.problems import Place, Problem

ADMIN_PORT = 15000
"""Where every Envoy answers its operator, on loopback, unless `meshctl bootstrap` is told another port."""

ADMIN = f"127.0.0.1:{ADMIN_PORT}"
ADMIN_WORDS = f"{ADMIN}, Envoy's admin address"


def bind(address: str, port: int) -> str:
    """An IP address and a port as people write them."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def overlap(one: str, other: str) -> bool:
    """Whether two addresses (`0.0.0.0:80`) cannot both be listened on."""
    (address, _, port), (other_address, _, other_port) = one.rpartition(":"), other.rpartition(":")
    everywhere = {"0.0.0.0", "[::]"}
    return port == other_port and (address == other_address or bool({address, other_address} & everywhere))


def clash(place: Place, bind: str, taken: str, first: Place | None = None) -> Problem:
    """The problem of an address that is taken: by what, and where that is said."""
    also = (first,) if first else ()
    message = f"{bind} cannot be listened on beside {taken}"
    return Problem(PORT_CLASH, place, message, fix="take another port", also=also)

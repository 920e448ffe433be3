"""`endpoints`: where a version of a service is reached.

Imports `catalog.key`, `catalog.keys.address`, `catalog.problems`, `catalog.scalars` and `catalog.takes`.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from meshctl.catalog.key import Written, refuse
from meshctl.catalog.keys.address import ADDRESS, Address, read_address
from meshctl.catalog.problems import WRONG_ADDRESS, Mistake, shown
from meshctl.catalog.scalars import read_text
from meshctl.catalog.takes import Takes, marked

_EVERYWHERE = frozenset({"0.0.0.0", "::"})


@dataclass(frozen=True, slots=True)
class Endpoint(Written):
    """An IP address, and a port where it is not the service's own. Envoy: config.endpoint.v3.Endpoint."""

    takes: ClassVar[Takes] = marked(
        "an IP address, with a port where it is not the service's own", ADDRESS, WRONG_ADDRESS
    )

    address: str
    port: int | None = None

    @classmethod
    def read(cls, written: object) -> Self:
        """Read `10.0.0.1`, `10.0.0.1:8081`, `::1` or `[::1]:80`."""
        if isinstance(written, cls):
            return written
        text = read_text(written, "an IP address")
        address = read_address(text, "an endpoint", "10.0.1.10:8080")
        if address.ip in _EVERYWHERE:
            message = f"{shown(text)} is an address to listen on; nobody can call it"
            refuse(Mistake(WRONG_ADDRESS, message, "write the address of the machine, such as 127.0.0.1"))
        return cls(address.ip, address.port)

    def __str__(self) -> str:
        return str(Address(self.address, self.port))

"""`bind` and `egress`: the address that a proxy listens on.

Imports `catalog.key`, `catalog.keys.address`, `catalog.problems`, `catalog.scalars` and `catalog.takes`.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from meshctl.catalog.key import Written, refuse
from meshctl.catalog.keys.address import ADDRESS, Address, read_address
from meshctl.catalog.problems import WRONG_ADDRESS, Mistake, shown
from meshctl.catalog.scalars import read_text
from meshctl.catalog.takes import Takes, marked


@dataclass(frozen=True, slots=True)
class Bind(Written):
    """An IP address and a port to listen on. Envoy: config.core.v3.SocketAddress."""

    takes: ClassVar[Takes] = marked("an IP address with a port", ADDRESS, WRONG_ADDRESS)

    address: str
    port: int

    @classmethod
    def read(cls, written: object) -> Self:
        """Read `0.0.0.0:80` or `[::]:80`."""
        if isinstance(written, cls):
            return written
        text = read_text(written, "an address with its port")
        if (port := text.removeprefix(":")).isdecimal():
            message = f"{shown(text)} has no address before its port"
            refuse(Mistake(WRONG_ADDRESS, message, f'write "0.0.0.0:{port}", or "127.0.0.1:{port}"'))
        address = read_address(text, "an address to listen on", "0.0.0.0:80")
        if address.port is None:
            message = f"{shown(text)} has no port"
            refuse(Mistake(WRONG_ADDRESS, message, f'write "{address._replace(port=80)}", or another port'))
        return cls(address.ip, address.port)

    def __str__(self) -> str:
        return str(Address(self.address, self.port))

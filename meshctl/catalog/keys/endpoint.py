"""One of the `endpoints`: where a version of a service is reached.

Imports `catalog.key`, `catalog.keys.address`, `catalog.problems`, `catalog.scalars` and `catalog.takes`.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

from pydantic import ValidatorFunctionWrapHandler as ReadKeys

from meshctl.catalog.key import Key, Scalar, Written, field, refuse, required
from meshctl.catalog.keys.address import ADDRESS, Address, read_address
from meshctl.catalog.problems import NOTHING_SAID, WRONG_ADDRESS, WRONG_SHAPE, Mistake, shown
from meshctl.catalog.scalars import read_text, whole
from meshctl.catalog.takes import Takes, marked

_EVERYWHERE = frozenset({"0.0.0.0", "::"})
_ADDRESS = marked("an IP address, with a port where it is not the service's own", ADDRESS, WRONG_ADDRESS)

EVEN = 1
"""The weight of an endpoint that says none. Envoy's own."""


def _read_address(written: object) -> Address:
    if isinstance(written, Address):
        return written
    text = read_text(written, "an IP address")
    address = read_address(text, "an endpoint", "10.0.1.10:8080", "write endpoints: {{dns: {}}}")
    if address.ip in _EVERYWHERE:
        message = f"{shown(text)} is an address to listen on; nobody can call it"
        refuse(Mistake(WRONG_ADDRESS, message, "write the address of the machine, such as 127.0.0.1"))
    return address


class EndpointKeys(Key):
    """An endpoint of which more is said than its address."""

    address: Annotated[Address, Scalar(_read_address, _ADDRESS)] = required(
        doc="Where it is reached.",
        example="10.0.1.12",
        envoy=["config.endpoint.v3.Endpoint.address"],
    )
    weight: Annotated[int, whole(1, 1_000, "a weight")] = field(
        doc="How many requests it gets for each one of an endpoint of weight 1.",
        example="2",
        default=EVEN,
        envoy=["config.endpoint.v3.LbEndpoint.load_balancing_weight"],
        codes=[NOTHING_SAID.code],
    )


@dataclass(frozen=True, slots=True)
class Endpoint(Written):
    """An IP address, and a port where it is not the service's own. Envoy: config.endpoint.v3.LbEndpoint."""

    takes: ClassVar[Takes] = _ADDRESS
    keys: ClassVar[type[Key]] = EndpointKeys

    address: str
    port: int | None = None
    weight: int = EVEN

    @classmethod
    def read(cls, written: object) -> Self:
        """Read `10.0.0.1`, `10.0.0.1:8081`, `::1`, `[::1]:80`, or the keys."""
        if isinstance(written, cls):
            return written
        if isinstance(written, EndpointKeys):
            return cls(*written.address, written.weight)
        return cls(*_read_address(written))

    @classmethod
    def _read_form(cls, written: object, read_keys: ReadKeys) -> Self:
        if isinstance(written, dict) and "dns" in written:
            message = "a name stands for all endpoints of a version; it is none of a list"
            fix = "write endpoints: {dns: NAME}, without a list"
            refuse(Mistake(WRONG_SHAPE, message, fix, ("dns",), on_key=True))
        return cls.read(read_keys(written) if isinstance(written, dict) else written)

    def __str__(self) -> str:
        return str(self.place)

    @property
    def place(self) -> Address:
        """Where it is reached, whatever else is said of it."""
        return Address(self.address, self.port)

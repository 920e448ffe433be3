"""`endpoints` as a whole: a list of addresses, or a name that stands for them.

Imports `catalog.key`, the keys `address`, `endpoint` and `names`, `catalog.problems`, `catalog.scalars` and
`catalog.takes`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple, Self

from meshctl.catalog.key import Key, ListOrKeys, Scalar, Written, refuse, required
from meshctl.catalog.keys.address import is_ip, read_port
from meshctl.catalog.keys.endpoint import Endpoint
from meshctl.catalog.keys.names import HOST_TEXT, read_host
from meshctl.catalog.problems import WRONG_ADDRESS, WRONG_HOST, Mistake, shown
from meshctl.catalog.scalars import read_text, twice
from meshctl.catalog.takes import plain_text


class DnsName(NamedTuple):
    """A host name, and a port where it is not the service's own."""

    host: str
    port: int | None

    def __str__(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"


def _read_dns(written: object) -> DnsName:
    if isinstance(written, DnsName):
        return written
    text = read_text(written, "a host name")
    host, colon, port = text.partition(":")
    if is_ip(host) or is_ip(text.removeprefix("[").partition("]")[0]):
        message = f"{shown(text)} is an IP address, which needs no DNS"
        refuse(Mistake(WRONG_HOST, message, f'write endpoints: ["{text}"]'))
    if "://" in text or "/" in text:
        return DnsName(read_host(text), None)  # refused there
    return DnsName(read_host(host), read_port(port, text, "voice.internal:8080") if colon else None)


_FORM = plain_text(
    "a host name, with a port where it is not the service's own",
    rf"(?:{HOST_TEXT})(?::[0-9]{{1,5}})?",
    WRONG_HOST,
    WRONG_ADDRESS,
)


class DnsKeys(Key):
    """A name that stands for all endpoints of a version."""

    dns: Annotated[DnsName, Scalar(_read_dns, _FORM)] = required(
        doc="The name that each proxy looks up, again as often as its answers say; all its addresses are"
        " endpoints, IPv6 only where there is no IPv4.",
        example="voice-v2.internal",
        envoy=["config.cluster.v3.Cluster.cluster_type", "config.cluster.v3.Cluster.load_assignment"],
        codes=["MSH0212", "MSH0222"],
    )


@dataclass(frozen=True, slots=True)
class Endpoints(ListOrKeys):
    """Endpoints by address, or by a name; one of the two is empty."""

    items: ClassVar[type[Written]] = Endpoint
    keys: ClassVar[type[Key]] = DnsKeys

    listed: tuple[Endpoint, ...] = ()
    dns: DnsName | None = None

    @classmethod
    def read(cls, written: object) -> Self:
        """Read `[10.0.1.10, 10.0.1.11]` or `{dns: voice.internal}`."""
        if isinstance(written, cls):
            return written
        if isinstance(written, DnsKeys):
            return cls(dns=written.dns)
        assert isinstance(written, tuple)
        return cls(written)

    @property
    def known(self) -> bool:
        """Whether there is an address, or where to ask for one."""
        return bool(self.listed) or self.dns is not None

    def words(self) -> tuple[str, ...]:
        """Each as one would write it; a name as `dns: voice.internal`."""
        return tuple(map(str, self.listed)) if self.dns is None else (f"dns: {self.dns}",)

    def listed_twice(self) -> Iterator[Mistake]:
        """A mistake for each endpoint whose address stands in the list before."""
        return twice([endpoint.place for endpoint in self.listed], "endpoints")


NONE = Endpoints()

"""`to`: where a route leads.

Imports `catalog.key`, the keys `names` and `weights`, `catalog.problems`, `catalog.scalars`, `catalog.takes`,
`names` and `units`.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

from meshctl.catalog.key import Written
from meshctl.catalog.keys.names import read_name, read_version
from meshctl.catalog.keys.weights import ALL, read_weights, weights_of
from meshctl.catalog.problems import WRONG_NAME_FORM
from meshctl.catalog.scalars import read_text
from meshctl.catalog.takes import Takes, either, plain_text
from meshctl.names import NAME, VERSION
from meshctl.units import Percent

_DESTINATION = plain_text(
    "a service, or one of its versions", rf"(?:{NAME})(?:/(?:{VERSION}))?", WRONG_NAME_FORM
)


class Weighted(NamedTuple):
    """A share of a route's requests, for a service's own choice of versions, or for one version."""

    service: str
    version: str | None
    weight: Percent

    def __str__(self) -> str:
        return self.service if self.version is None else f"{self.service}/{self.version}"


@dataclass(frozen=True, slots=True)
class Target(Written):
    """Where a route leads: shares that make 100% together. Envoy: config.route.v3.WeightedCluster."""

    takes: ClassVar[Takes] = either(
        "a service (voice), one of its versions (voice/v2), or several with shares that make 100% together",
        _DESTINATION,
        weights_of(_DESTINATION),
    )

    destinations: tuple[Weighted, ...]

    @classmethod
    def read(cls, written: object) -> Self:
        """Read `voice`, `voice/v2`, or `{voice/v1: 90%, voice/v2: 10%}`."""
        if isinstance(written, cls):
            return written
        if isinstance(written, dict):
            weights = read_weights(written, _read_destination)
            return cls(tuple(Weighted(*name, weight) for name, weight in weights.items()))
        text = read_text(written, "a service, or services with their weights")
        return cls((Weighted(*_read_destination(text), ALL),))


def _read_destination(written: object) -> tuple[str, str | None]:
    service, slash, version = read_text(written).partition("/")
    return read_name(service), read_version(version) if slash else None

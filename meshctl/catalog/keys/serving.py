"""`serving`: the version that the team wants to serve, or shares of several.

Imports `catalog.key`, the keys `names` and `weights`, `catalog.scalars`, `catalog.takes` and `units`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from meshctl.catalog.key import Written
from meshctl.catalog.keys.names import VERSION_FORM, read_version
from meshctl.catalog.keys.weights import ALL, read_weights, weights_of
from meshctl.catalog.scalars import read_text
from meshctl.catalog.takes import Takes, either
from meshctl.units import Percent


@dataclass(frozen=True, slots=True)
class Serving(Written):
    """Which versions get the service's requests: shares that make 100% together."""

    takes: ClassVar[Takes] = either(
        "a version, or versions with shares that make 100% together", VERSION_FORM, weights_of(VERSION_FORM)
    )

    weights: Mapping[str, Percent]

    @classmethod
    def read(cls, written: object) -> Self:
        """Read `v2`, or `{v1: 90%, v2: 10%}`."""
        if isinstance(written, cls):
            return written
        if isinstance(written, dict):
            return cls(read_weights(written, read_version))
        return cls({read_version(read_text(written, "a version, or versions with their weights")): ALL})

    def __hash__(self) -> int:
        return hash(frozenset(self.weights.items()))

"""`serving`: the version that the team wants to serve, or shares of several.

Imports `catalog.key`, `catalog.keys.names`, `catalog.keys.weights`, `catalog.scalars` and `units`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from meshctl.catalog.key import Written
from meshctl.catalog.keys.names import read_version
from meshctl.catalog.keys.weights import ALL, read_weights
from meshctl.catalog.scalars import read_text
from meshctl.units import Percent


@dataclass(frozen=True, slots=True)
class Serving(Written):
    """Which versions get the service's requests: shares that make 100% together."""

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

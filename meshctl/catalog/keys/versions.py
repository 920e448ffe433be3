"""`versions`: sets of endpoints with the same code.

Imports `catalog.key`, `catalog.keys.endpoints` and `catalog.problems`.
"""

from collections.abc import Iterator

from meshctl.catalog.key import CheckedKey, required
from meshctl.catalog.keys.endpoints import Endpoints
from meshctl.catalog.problems import Mistake


class Version(CheckedKey):
    """A set of endpoints with the same code. Envoy: a cluster of its own."""

    endpoints: Endpoints = required(
        doc="Where it is reached; empty while none runs.",
        example="[10.0.1.10, 10.0.1.11]",
        envoy=["config.endpoint.v3.ClusterLoadAssignment.endpoints"],
        codes=["MSH0212", "MSH0215"],
    )

    def mistakes(self) -> Iterator[Mistake]:
        """Endpoints that are listed twice."""
        yield from self.endpoints.listed_twice()

"""`versions`: sets of endpoints with the same code.

Imports `catalog.key`, `catalog.keys.endpoint`, `catalog.problems` and `catalog.scalars`.
"""

from collections.abc import Iterator

from meshctl.catalog.key import CheckedKey, required
from meshctl.catalog.keys.endpoint import Endpoint
from meshctl.catalog.problems import Mistake
from meshctl.catalog.scalars import twice


class Version(CheckedKey):
    """A set of endpoints with the same code. Envoy: a cluster of its own."""

    endpoints: tuple[Endpoint, ...] = required(
        doc="Where it is reached; empty while none runs.",
        example="[10.0.1.10, 10.0.1.11]",
        envoy=["config.endpoint.v3.ClusterLoadAssignment.endpoints"],
        codes=["MSH0215"],
    )

    def mistakes(self) -> Iterator[Mistake]:
        """Endpoints that are listed twice."""
        yield from twice(self.endpoints, "endpoints")

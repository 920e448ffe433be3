"""`circuit_breakers`: how much one caller may have open to a service at once.

Imports `catalog.key`, `catalog.scalars`.
"""

from typing import Annotated

from meshctl.catalog.key import Key, field
from meshctl.catalog.scalars import whole

_MOST = 1_000_000
"""More than one Envoy ever had open; who wants no limit writes this."""
_FIELDS = "config.cluster.v3.CircuitBreakers.Thresholds"

Limit = Annotated[int, whole(1, _MOST, "a limit")]


class CircuitBreakers(Key):
    """What one caller may have open to a version at once; beyond it, a request fails with 503."""

    connections: Limit | None = field(
        doc="Connections; requests wait for one of them.",
        example="1024",
        envoy=[f"{_FIELDS}.max_connections"],
    )
    pending: Limit | None = field(
        doc="Requests that wait for a connection.", example="1024", envoy=[f"{_FIELDS}.max_pending_requests"]
    )
    requests: Limit | None = field(
        doc="Requests under way.", example="4096", envoy=[f"{_FIELDS}.max_requests"], codes=["MSH0222"]
    )
    retries: Limit | None = field(
        doc="Requests that are sent again.",
        example="1000",
        envoy=[f"{_FIELDS}.max_retries"],
        codes=["MSH0222"],
    )

"""`circuit_breakers`: how much one caller may have open to a service at once.

Imports `catalog.key`, `catalog.scalars`.
"""

from typing import Annotated

from pydantic import PlainValidator

from meshctl.catalog.key import Key, field
from meshctl.catalog.scalars import read_integer

_MOST = 1_000_000
"""More than one Envoy ever had open; who wants no limit writes this."""

Limit = Annotated[int, PlainValidator(lambda n: read_integer(n, 1, _MOST, "a limit"))]


class CircuitBreakers(Key):
    """What one caller may have open to a version at once; beyond it, a request fails with 503.

    Envoy: config.cluster.v3.CircuitBreakers.Thresholds.
    """

    connections: Limit | None = field(
        doc="Connections; http requests wait for one of them. Envoy: max_connections.", example="1024"
    )
    pending: Limit | None = field(
        doc="Requests that wait for a connection. Envoy: max_pending_requests.", example="1024"
    )
    requests: Limit | None = field(doc="Requests under way. Envoy: max_requests.", example="4096")
    retries: Limit | None = field(doc="Requests that are sent again. Envoy: max_retries.", example="1000")

"""`timeouts`: how long callers wait.

Imports `catalog.key`, `catalog.scalars`.
"""

from meshctl.catalog.key import Key, field
from meshctl.catalog.scalars import Time, TimeLimit


class Timeouts(Key):
    """How long callers wait for the service."""

    connect: Time | None = field(
        doc="For a connection to an endpoint. Envoy: Cluster.connect_timeout.", example="1s"
    )
    request: TimeLimit | None = field(
        doc="For the whole answer, all retries included; off for no limit. Envoy: RouteAction.timeout.",
        example="15s",
    )
    idle: TimeLimit | None = field(
        doc="For the next byte of a request or an answer, in either direction; off for no limit."
        " Envoy: RouteAction.idle_timeout.",
        example="5m",
    )
    keep_alive: Time | None = field(
        doc="With an idle connection to an endpoint, before the caller closes it: less than the endpoint"
        " itself waits. Envoy: HttpProtocolOptions.idle_timeout.",
        example="4s",
    )

"""`timeouts`: how long callers wait.

Imports `catalog.key`, `catalog.scalars`.
"""

from meshctl.catalog.key import Key, field
from meshctl.catalog.scalars import Time, TimeLimit


class Timeouts(Key):
    """How long callers wait for the service."""

    connect: Time | None = field(
        doc="For a connection to an endpoint.",
        example="1s",
        envoy=["config.cluster.v3.Cluster.connect_timeout"],
    )
    request: TimeLimit | None = field(
        doc="For the whole answer, all retries included; off for no limit.",
        example="15s",
        envoy=["config.route.v3.RouteAction.timeout"],
        codes=["MSH0222"],
    )
    idle: TimeLimit | None = field(
        doc="For the next byte of a request or an answer, in either direction, or of a connection that is"
        " passed on; off for no limit.",
        example="5m",
        envoy=[
            "config.route.v3.RouteAction.idle_timeout",
            "extensions.filters.network.tcp_proxy.v3.TcpProxy.idle_timeout",
        ],
    )
    keep_alive: Time | None = field(
        doc="With an idle connection to an endpoint, before the caller closes it: less than the endpoint"
        " itself waits.",
        example="4s",
        envoy=["config.core.v3.HttpProtocolOptions.idle_timeout"],
        codes=["MSH0222"],
    )

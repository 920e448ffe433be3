"""Editions: dated sets of defaults. A release of meshctl never changes what an old edition emits.

May import `units`, the catalog and `mesh.settings`. One table a protocol; every default that Envoy gets
from us is here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from meshctl.catalog.keys.health import CheckedFrom
from meshctl.catalog.keys.load_balancing import Policy
from meshctl.catalog.keys.protocol import Protocol
from meshctl.catalog.keys.retries import RetryOn
from meshctl.mesh.settings import (
    CircuitBreakers,
    Health,
    LoadBalancing,
    Outliers,
    Retries,
    Settings,
    Timeouts,
)
from meshctl.units import Duration, Off, Percent


@dataclass(frozen=True, slots=True)
class Waves:
    """How many nodes of a view a change reaches in each wave, and how long one is watched before the next."""

    shares: tuple[int | Percent, ...]
    hold: Duration


_NEVER_SENT = "connect-failure,refused-stream,reset-before-request"

_2026_11_HTTP = Settings(
    deadlines=False,
    timeouts=Timeouts(
        connect=Duration(1_000),
        request=Duration(15_000),
        idle=Duration(300_000),
        # Below the 5 s after which Node.js closes an idle connection: whoever closes first must be the
        # caller, or a request meets a closing connection (8.6 % failed in a measured upgrade, 0 with this).
        keep_alive=Duration(4_000),
    ),
    retries=Retries(
        attempts=2,
        on=RetryOn.NEVER_SENT,
        conditions={
            RetryOn.NEVER_SENT: _NEVER_SENT,
            RetryOn.IDEMPOTENT: f"{_NEVER_SENT},reset,gateway-error",
        },
        # Without it a retry may be given the endpoint that has just failed.
        host_attempts=5,
    ),
    # Envoy's own 3 concurrent retries a cluster make a retry policy useless in a crash.
    circuit_breakers=CircuitBreakers(connections=1024, pending=1024, requests=4096, retries=1000),
    # Nobody is asked what he does not offer: all his endpoints would be taken for broken.
    health=Health(
        check=None,
        from_=CheckedFrom.GATEWAYS,
        interval=Duration(5_000),
        timeout=Duration(1_000),
        unhealthy_after=2,
        healthy_after=1,
    ),
    # An endpoint that is slow for a while gets less, and nobody has to measure it.
    load_balancing=LoadBalancing(policy=Policy.LEAST_REQUEST, by=None, slow_start=Off.OFF),
    outliers=Outliers(
        consecutive_5xx=5,
        consecutive_gateway_failures=3,
        interval=Duration(1_000),
        eject_for=Duration(30_000),
        max_ejected=Percent(5_000),
    ),
)

_2026_11_HTTP2 = replace(
    _2026_11_HTTP,
    # Nobody races here: an HTTP/2 server that closes says which requests it has not begun (RFC 9113, 6.8).
    timeouts=replace(_2026_11_HTTP.timeouts, keep_alive=Duration(300_000)),
)

_2026_11_GRPC = replace(
    _2026_11_HTTP2,
    deadlines=True,
    # A stream may last for days, and say nothing for most of it.
    timeouts=replace(_2026_11_HTTP2.timeouts, request=Off.OFF, idle=Duration(3_600_000)),
    retries=replace(
        _2026_11_HTTP2.retries,
        conditions={
            RetryOn.NEVER_SENT: _NEVER_SENT,
            RetryOn.IDEMPOTENT: f"{_NEVER_SENT},reset,gateway-error,unavailable",
        },
    ),
)

_2026_11_TCP = replace(
    _2026_11_HTTP,
    # A pool of database connections is silent for as long as nobody asks.
    timeouts=replace(_2026_11_HTTP.timeouts, request=Off.OFF, idle=Duration(3_600_000)),
    retries=replace(_2026_11_HTTP.retries, attempts=0),
    # Shares of versions are weights of endpoints here, and turns keep to them.
    load_balancing=LoadBalancing(policy=Policy.ROUND_ROBIN, by=None, slow_start=Off.OFF),
    # Refused connections would eject an endpoint, and with it those that are open and well (measured).
    outliers=replace(_2026_11_HTTP.outliers, max_ejected=Percent(0)),
)

EDITIONS: Mapping[str, Mapping[Protocol, Settings]] = {
    "2026.11": {
        Protocol.HTTP: _2026_11_HTTP,
        Protocol.HTTP2: _2026_11_HTTP2,
        Protocol.GRPC: _2026_11_GRPC,
        Protocol.TCP: _2026_11_TCP,
        Protocol.MYSQL: _2026_11_TCP,
        Protocol.REDIS: _2026_11_TCP,
        Protocol.TLS_PASSTHROUGH: _2026_11_TCP,
    }
}
"""Defaults by edition and protocol."""

# One node shows a change that is wrong though Envoy takes it; ten seconds let its errors be seen.
WAVES: Mapping[str, Waves] = {
    "2026.11": Waves(shares=(1, Percent(1_000), Percent(10_000)), hold=Duration(10_000))
}
"""How changes go out where mesh.yaml does not say it, by edition."""

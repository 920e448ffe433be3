"""Editions: dated sets of defaults. A release of meshctl never changes what an old edition emits.

May import `units` and the catalog. One table a protocol; every default that Envoy gets from us is here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from meshctl.catalog.keys.retries import RetryOn
from meshctl.units import Duration, Percent


@dataclass(frozen=True, slots=True)
class Breakers:
    """What a caller may have open to one version at once; beyond it, a request fails at once."""

    connections: int
    pending: int
    requests: int
    retries: int


@dataclass(frozen=True, slots=True)
class Outliers:
    """When an endpoint that fails in live traffic is left out, and for how long."""

    consecutive_5xx: int
    consecutive_gateway_failures: int
    interval: Duration
    eject_for: Duration
    max_ejected: Percent


@dataclass(frozen=True, slots=True)
class Waves:
    """How many nodes of a view a change reaches in each wave, and how long one is watched before the next."""

    shares: tuple[int | Percent, ...]
    hold: Duration


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a service of one protocol gets where its team says nothing.

    `retry_conditions` are Envoy's words for what a team calls `never_sent` or `idempotent`;
    `retry_host_attempts` is how often an endpoint other than those that failed is looked for.
    """

    connect: Duration
    request: Duration
    keep_alive: Duration
    retry_attempts: int
    retry_on: RetryOn
    retry_conditions: Mapping[RetryOn, str]
    retry_host_attempts: int
    breakers: Breakers
    outliers: Outliers


_NEVER_SENT = "connect-failure,refused-stream,reset-before-request"

_2026_11_HTTP = Defaults(
    connect=Duration(1_000),
    request=Duration(15_000),
    # Below the 5 s after which Node.js closes an idle connection: whoever closes first must be the
    # caller, or a request meets a closing connection (8.6 % failed in a measured upgrade, 0 with this).
    keep_alive=Duration(4_000),
    retry_attempts=2,
    retry_on=RetryOn.NEVER_SENT,
    retry_conditions={
        RetryOn.NEVER_SENT: _NEVER_SENT,
        RetryOn.IDEMPOTENT: f"{_NEVER_SENT},reset,gateway-error",
    },
    # Without it a retry may be given the endpoint that has just failed.
    retry_host_attempts=5,
    # Envoy's own 3 concurrent retries a cluster make a retry policy useless in a crash.
    breakers=Breakers(connections=1024, pending=1024, requests=4096, retries=1000),
    outliers=Outliers(
        consecutive_5xx=5,
        consecutive_gateway_failures=3,
        interval=Duration(1_000),
        eject_for=Duration(30_000),
        max_ejected=Percent(5_000),
    ),
)

EDITIONS: Mapping[str, Mapping[str, Defaults]] = {"2026.11": {"http": _2026_11_HTTP}}
"""Defaults by edition and protocol."""

# One node shows a change that is wrong though Envoy takes it; ten seconds let its errors be seen.
WAVES: Mapping[str, Waves] = {
    "2026.11": Waves(shares=(1, Percent(1_000), Percent(10_000)), hold=Duration(10_000))
}
"""How changes go out where mesh.yaml does not say it, by edition."""

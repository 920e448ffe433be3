"""How a service is called, whole: what its team says, before what `defaults.yaml` says, before the edition.

May import `units` and the catalog. Attributes have the names of the catalog's keys, so that one rule joins
them all; what no key says is the edition's alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeVar

from meshctl.catalog.key import Key
from meshctl.catalog.keys.by import By
from meshctl.catalog.keys.health import Check, CheckedFrom
from meshctl.catalog.keys.load_balancing import Policy
from meshctl.catalog.keys.retries import RetryOn
from meshctl.names import Role
from meshctl.units import Duration, Off, Percent

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    D = TypeVar("D", bound=DataclassInstance)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long callers wait: to connect, for a whole answer, for its next byte, with an idle connection."""

    connect: Duration
    request: Duration | Off
    idle: Duration | Off
    keep_alive: Duration


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is sent again, and after what.

    `conditions` are Envoy's words for what a team calls `never_sent` or `idempotent`; `host_attempts` is how
    often an endpoint other than those that failed is looked for.
    """

    attempts: int
    on: RetryOn | tuple[str, ...]
    conditions: Mapping[RetryOn, str]
    host_attempts: int

    @property
    def envoy_conditions(self) -> str:
        """After what, in Envoy's words."""
        return self.conditions[self.on] if isinstance(self.on, RetryOn) else ",".join(self.on)


@dataclass(frozen=True, slots=True)
class CircuitBreakers:
    """What a caller may have open to one version at once; beyond it, a request fails at once."""

    connections: int
    pending: int
    requests: int
    retries: int


@dataclass(frozen=True, slots=True)
class Health:
    """What is asked of endpoints, how often, and by whom; without `check`, nothing is."""

    check: Check | None
    from_: CheckedFrom
    interval: Duration
    timeout: Duration
    unhealthy_after: int
    healthy_after: int

    @property
    def asks_nothing(self) -> bool:
        """Whether somebody is to ask, and nobody says what."""
        return self.check is None and self.from_ is not CheckedFrom.NOBODY

    def asked_by(self, role: Role) -> Check | None:
        """What the Envoys of this role ask; None for nothing."""
        if self.from_ is CheckedFrom.CALLERS or (self.from_ is CheckedFrom.GATEWAYS and role is Role.GATEWAY):
            return self.check
        return None


@dataclass(frozen=True, slots=True)
class LoadBalancing:
    """Which endpoint of a version gets a request; `by` and `slow_start` count where the policy knows them."""

    policy: Policy
    by: By | None
    slow_start: Duration | Off

    @property
    def hashed_by(self) -> By | None:
        """What requests to the same endpoint have in common."""
        return self.by if self.policy.hashes else None


@dataclass(frozen=True, slots=True)
class Outliers:
    """When an endpoint that fails in live traffic is left out, and for how long."""

    consecutive_5xx: int
    consecutive_gateway_failures: int
    interval: Duration
    eject_for: Duration
    max_ejected: Percent


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it: what a service of one protocol gets.

    `deadlines`: whether a call that names its own deadline is ended then (gRPC's header grpc-timeout).
    """

    deadlines: bool
    timeouts: Timeouts
    retries: Retries
    circuit_breakers: CircuitBreakers
    health: Health
    load_balancing: LoadBalancing
    outliers: Outliers


def layered(base: "D", *said: Key | None) -> "D":
    """`base`, with what was said in its place: of each attribute the first that is said at all.

    Maps merge, lists and scalars replace.
    """
    changed: dict[str, object] = {}
    for one in fields(base):
        values = [value for key in said if (value := getattr(key, one.name, None)) is not None]
        if values:
            merges = isinstance(values[0], Key)
            changed[one.name] = layered(getattr(base, one.name), *values) if merges else values[0]
    return replace(base, **changed) if changed else base

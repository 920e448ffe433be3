"""`load_balancing`: which endpoint of a version gets a request.

Imports `catalog.key`, the keys `by` and `choice`, `catalog.problems`, `catalog.scalars`, `catalog.takes` and
`units`.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Annotated

from meshctl.catalog.key import CheckedKey, Scalar, field
from meshctl.catalog.keys.by import By
from meshctl.catalog.keys.choice import choose
from meshctl.catalog.problems import MISSING_KEY, NOTHING_SAID, UNKNOWN_WORD, Mistake
from meshctl.catalog.scalars import TimeLimit
from meshctl.catalog.takes import one_word
from meshctl.units import Duration


class Policy(Enum):
    """How the endpoint is chosen. Envoy: extensions.load_balancing_policies."""

    ROUND_ROBIN = "round_robin"
    """One after the other."""
    LEAST_REQUEST = "least_request"
    """The one with the fewest requests of this caller under way; by chance where several have as few."""
    RANDOM = "random"
    """By chance."""
    RING_HASH = "ring_hash"
    """The one that stands next on a ring, which gRPC's own client knows too."""
    MAGLEV = "maglev"
    """The one that stands in a table: without it its requests go elsewhere, and hardly any others."""

    @property
    def starts_slowly(self) -> bool:
        """Whether it can give a new endpoint less at first."""
        return self in (Policy.ROUND_ROBIN, Policy.LEAST_REQUEST)

    @property
    def hashes(self) -> bool:
        """Whether requests that have something in common go to the same endpoint."""
        return self in (Policy.RING_HASH, Policy.MAGLEV)

    @property
    def weighs(self) -> bool:
        """Whether it gives an endpoint of more weight more."""
        return self is not Policy.RANDOM


_WORDS = tuple(policy.value for policy in Policy)


def _read(written: object) -> Policy:
    return written if isinstance(written, Policy) else Policy(choose(written, _WORDS))


class LoadBalancing(CheckedKey):
    """Which endpoint of a version gets a request."""

    policy: Annotated[Policy, Scalar(_read, one_word(_WORDS, UNKNOWN_WORD))] | None = field(
        doc="One after the other, the one that answers the fewest requests of this caller, one by chance, or"
        " always the same one for what by says. Where an endpoint goes, maglev moves its requests, and"
        " ring_hash some of the others too.",
        example="least_request",
        envoy=["config.cluster.v3.Cluster.load_balancing_policy"],
        codes=["MSH0202"],
    )
    by: By | None = field(
        doc="Beside maglev or ring_hash: what requests to the same endpoint have in common. It is a part of"
        " the request, or the address that they come from, which tells something at gateways alone.",
        example="{header: x-account}",
        envoy=[
            "config.route.v3.RouteAction.hash_policy",
            "extensions.filters.network.tcp_proxy.v3.TcpProxy.hash_policy",
        ],
        codes=["MSH0212", "MSH0221", "MSH0222"],
    )
    slow_start: TimeLimit | None = field(
        doc="For how long a new endpoint gets less than the others; off for not at all.",
        example="30s",
        envoy=["extensions.load_balancing_policies.common.v3.SlowStartConfig.slow_start_window"],
        codes=["MSH0221"],
    )

    def mistakes(self) -> Iterator[Mistake]:
        """A slow start where the policy has none, and a hash without what it is made of."""
        if self.policy and not self.policy.starts_slowly and isinstance(self.slow_start, Duration):
            message = f"{self.policy.value} gives a new endpoint as much as the others"
            fix = "remove slow_start, or write policy: least_request"
            yield Mistake(NOTHING_SAID, message, fix, ("slow_start",), on_key=True)
        if self.policy and self.policy.hashes and self.by is None:
            message = f"{self.policy.value} does not say which requests go to the same endpoint"
            yield Mistake(MISSING_KEY, message, "add by: {header: x-account}, for example", ("policy",))
        if self.by and not (self.policy and self.policy.hashes):
            message = "by is for a policy that sends some requests always to the same endpoint"
            fix = "write policy: maglev beside it, or remove by"
            yield Mistake(NOTHING_SAID, message, fix, ("by",), on_key=True)

"""`load_balancing`: which endpoint of a version gets a request.

Imports `catalog.key`, `catalog.keys.choice`, `catalog.problems`, `catalog.scalars`, `catalog.takes`, `units`.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Annotated

from meshctl.catalog.key import CheckedKey, Scalar, field
from meshctl.catalog.keys.choice import choose
from meshctl.catalog.problems import NOTHING_SAID, UNKNOWN_WORD, Mistake
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

    @property
    def starts_slowly(self) -> bool:
        """Whether it can give a new endpoint less at first."""
        return self is not Policy.RANDOM

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
        doc="One after the other, the one that answers the fewest requests of this caller, or one by chance.",
        example="least_request",
        envoy=["config.cluster.v3.Cluster.load_balancing_policy"],
    )
    slow_start: TimeLimit | None = field(
        doc="For how long a new endpoint gets less than the others; off for not at all.",
        example="30s",
        envoy=["extensions.load_balancing_policies.common.v3.SlowStartConfig.slow_start_window"],
        codes=["MSH0221"],
    )

    def mistakes(self) -> Iterator[Mistake]:
        """A slow start where chance decides."""
        if self.policy and not self.policy.starts_slowly and isinstance(self.slow_start, Duration):
            message = f"{self.policy.value} gives a new endpoint as much as the others"
            fix = "remove slow_start, or write policy: least_request"
            yield Mistake(NOTHING_SAID, message, fix, ("slow_start",), on_key=True)

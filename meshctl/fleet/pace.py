"""How many nodes a wave reaches, which of them come first, and how long the next wave waits.

May import `units`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from meshctl.units import Percent

Share = int | Percent
"""How many nodes a wave reaches, with those before it: a number of them, or a part of all."""

RETURN = 30.0
"""Seconds within which nodes are back after a restart of the server: the longest back-off of an Envoy whose
bootstrap does not say it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The shares of the waves, ascending to all, and the seconds between one that is reached and the next."""

    shares: tuple[Share, ...]
    hold: float


def size(share: Share, nodes: int) -> int:
    """How many of so many nodes a share is: at least one, rounded up, and no more than there are."""
    number = -(-nodes * share.basis_points // 10_000) if isinstance(share, Percent) else min(share, nodes)
    return max(1, number)


def ordered(nodes: Iterable[str], sick: Iterable[str] = ()) -> Sequence[str]:
    """Nodes in the order in which waves take them: always the same, but those that are `sick` last.

    By a hash of their ids: else the first host by name would be first in every view.
    """
    last = frozenset(sick)
    return sorted(nodes, key=lambda node: (node in last, sha256(node.encode()).digest()))

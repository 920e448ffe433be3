"""Who refuses what, in one view: so that what many nodes refuse is given to no other.

May import `names` and its neighbours. Costs what is refused, however many nodes there are.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from meshctl.fleet.fleet import Refusal
from meshctl.fleet.pace import size
from meshctl.names import Ref
from meshctl.units import Percent

_SHARE = Percent(1000)
_FEWEST = 2
"""A hash is too bad for the others when 10 % of a view's nodes refuse it, and at least two do."""

Version = tuple[Ref, str]
"""A name, and the hash of its bytes."""


def enough(nodes: int) -> int:
    """How many of so many nodes must refuse a hash, so that the others are spared it."""
    return max(_FEWEST, size(_SHARE, nodes))


class Tally:
    """Who refuses what of one view; a version that nobody refuses any more is forgotten."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[Refusal, ...]] = {}
        self._by: dict[Version, dict[str, Refusal]] = {}

    def hear(self, node: str, refusals: tuple[Refusal, ...]) -> Iterable[Refusal]:
        """All that a node, by its id, refuses now; returns what it did not refuse before."""
        known = self._of.get(node, ())
        if known == refusals:
            return ()
        for one in known:
            self._drop(node, one)
        self._of.pop(node, None)
        if refusals:
            self._of[node] = refusals
        for one in refusals:
            self._by.setdefault((one.ref, one.version), {})[node] = one
        return [one for one in refusals if one not in known]

    def refusing(self, version: Version) -> Mapping[str, Refusal]:
        """The nodes that refuse this, and how each of them says it."""
        return MappingProxyType(self._by.get(version, {}))

    def __bool__(self) -> bool:
        return bool(self._of)

    def _drop(self, node: str, refusal: Refusal) -> None:
        version = (refusal.ref, refusal.version)
        nodes = self._by.get(version, {})
        nodes.pop(node, None)
        if not nodes:
            self._by.pop(version, None)

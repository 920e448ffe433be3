"""How long it is kept what views have lost: until every node has got past it, and for an hour at the most.

May import the fleet. Who is stuck for longer than that is told apart by nothing.
"""

from collections import deque
from collections.abc import Iterable, Mapping

from meshctl.fleet.fleet import REMEMBERED, Fleet


class Tombstones:
    """The revisions of the last hour. `all_back_at`: from when on every node is back that comes back."""

    def __init__(self, fleet: Fleet, all_back_at: float) -> None:
        self._fleet, self._all_back_at = fleet, all_back_at
        self._revisions: deque[tuple[float, int]] = deque()  # of each tending of the last hour
        self._outdated = 0  # the newest revision that is more than an hour old

    def passed(self, views: Iterable[str], newest: int, now: float) -> Mapping[str, int]:
        """For each view the revision up to which what it lost is kept for nobody; asked every minute."""
        self._revisions.append((now, newest))
        while now - self._revisions[0][0] >= REMEMBERED:
            self._outdated = self._revisions.popleft()[1]
        # A node of the run before may not have come back yet: it is not in the fleet, and may hold them.
        lowest = self._fleet.lowest_revisions(now) if now >= self._all_back_at else {}
        return {name: max(self._outdated, lowest.get(name, 0)) for name in views}

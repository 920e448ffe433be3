"""The last good state of an earlier run: whether it may stand in for a catalog that cannot be served.

May import the snapshot's disk. Clocks are arguments.
"""

from collections.abc import Callable

from meshctl.snapshot.disk import State
from meshctl.units import Duration


class LastGood:
    """What was found on disk at the start, and how old it is by then.

    `now` is a clock that never jumps, `clock` that of the wall, both in seconds. `limit`: older ones are
    given to nobody.
    """

    def __init__(
        self, state: State | None, limit: Duration, now: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        self.state, self._limit = state, limit
        self._now, self._clock = now, clock
        self._started = now()
        self._age_s = max(clock() - state.current_at, 0.0) if state else 0.0  # at the start

    @property
    def is_stale(self) -> bool:
        """Whether it is too old by either clock: that of the wall may be set, in both directions.

        A stamp that lies further ahead than the limit was made by a clock that nobody can believe.
        """
        if self.state is None:
            return False
        by_wall = abs(self._clock() - self.state.current_at)
        by_run = self._age_s + self._now() - self._started
        return max(by_wall, by_run) > self._limit.seconds

    @property
    def words(self) -> str:
        """What nodes are given while the catalog cannot be served."""
        if self.state is None:
            return "there is no last good state, so no node is answered"
        if self.is_stale:
            return f"the last good state is more than {self._limit} old, so no node is answered"
        return "nodes that hold nothing get the last good state, the others keep what they have"

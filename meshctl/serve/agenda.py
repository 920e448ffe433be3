"""Which views are to be looked at again, and when: after something happened there, or when it is time.

Imports the standard library. Times are an argument, in seconds of one clock.
"""

import asyncio
import heapq
from collections.abc import Sequence


class Agenda:
    """Costs what happens, however many views there are. `stirred` is set when `due` may name one."""

    def __init__(self) -> None:
        self.stirred = asyncio.Event()
        self._restless: dict[str, None] = {}
        self._deadlines: list[tuple[float, str]] = []
        self._armed: dict[str, float] = {}

    def stir(self, view: str) -> None:
        """Something happened in a view."""
        self._restless[view] = None
        self.stirred.set()

    def arm(self, view: str, deadline: float) -> None:
        """It is to be looked at then, whatever happens before."""
        if self._armed.get(view) != deadline:
            self._armed[view] = deadline
            heapq.heappush(self._deadlines, (deadline, view))

    def due(self, now: float) -> Sequence[str]:
        """The views to look at, each named once."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, view = heapq.heappop(self._deadlines)
            self._armed.pop(view, None)
            self._restless[view] = None
        restless, self._restless = self._restless, {}
        return tuple(restless)

    def deadline(self) -> float | None:
        """When to ask again if nothing happens before."""
        return self._deadlines[0][0] if self._deadlines else None

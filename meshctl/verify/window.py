"""The count of one change while it goes on.

Imports the standard library and its neighbours; no I/O.
"""

import asyncio
from collections.abc import Callable

from meshctl.verify.connection import Outcome
from meshctl.verify.counts import Counts
from meshctl.verify.report import ChangeReport, Failure


class Window:
    """Counts what ends after a change began, and knows when that is enough.

    `name` and `in_flight_across` say what changes and how many requests were under way as it began;
    `enough` is set when as many have ended as the load's shape asks for.
    """

    def __init__(self, name: str, requests: int, in_flight: int, clock: Callable[[], float]) -> None:
        self.name = name
        self.in_flight_across = in_flight
        self.enough = asyncio.Event()
        self._least_in_flight = in_flight
        self._holding = True
        self._requests = requests
        self._counts = Counts(clock)
        self._final: ChangeReport | None = None

    @property
    def report(self) -> ChangeReport:
        """What the change cost: so far, or in all once it is over."""
        if self._final is not None:
            return self._final
        return ChangeReport(self.name, self._counts.tally(), self.in_flight_across, self._least_in_flight)

    def finished(self, target: str, outcome: Outcome, failure: Failure | None) -> None:
        """Count a request that is over."""
        self._counts.finished(target, outcome, failure)

    def settled(self, in_flight: int) -> None:
        """Note how many are under way, once a lane that was answered has asked again."""
        if self._holding:
            self._least_in_flight = min(self._least_in_flight, in_flight)
        if self._counts.requests >= self._requests:
            self.enough.set()

    def let_go(self) -> None:
        """The held requests are no longer renewed, so from now on few under way say nothing."""
        self._holding = False

    def end(self) -> ChangeReport:
        """The change is over: its report stays as it is now."""
        self._final = self.report
        return self._final

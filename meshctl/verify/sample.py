"""The answers to requests that begin in one stretch of a load.

Imports the standard library and its neighbours; no I/O.
"""

import asyncio
from collections.abc import Callable

from meshctl.verify.connection import Outcome
from meshctl.verify.counts import Counts
from meshctl.verify.report import Failure, Tally


class Sample:
    """Counts so many requests from now on, in the order of their beginning, each to its end.

    A request that began before now is none of them, however late it is answered; and no version has fewer
    answers here than requests because its backend is slow. `complete` is set when all of them have ended.
    """

    def __init__(self, requests: int, clock: Callable[[], float]) -> None:
        self.complete = asyncio.Event()
        self._to_begin = requests
        self._requests = requests
        self._counts = Counts(clock)

    @property
    def tally(self) -> Tally:
        """The counts so far."""
        return self._counts.tally()

    def takes(self) -> bool:
        """A request begins: whether it is one of the sample."""
        taken = self._to_begin > 0
        self._to_begin -= taken
        return taken

    def finished(self, target: str, outcome: Outcome, failure: Failure | None) -> None:
        """Count a request of the sample that is over."""
        self._counts.finished(target, outcome, failure)
        if self._counts.requests == self._requests:
            self.complete.set()

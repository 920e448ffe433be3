"""Load that goes on while something changes, and what each change cost.

Imports the standard library and its neighbours. Runs in the caller's event loop.

A request fails when it does not end in a complete 200: another status, no connection, a reset, a truncated
body, no answer in time. Nothing is retried (`connection.py` says why). The steady lanes ask all the time; for
the time of a change there are also held ones, whose every request is slow, so that many are under way at the
moment the change reaches the data plane, whenever that is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from meshctl.verify.connection import Outcome
from meshctl.verify.counts import Counts, failure_of
from meshctl.verify.lane import Lane, Pace, Reuse, Target, Watcher
from meshctl.verify.polling import until
from meshctl.verify.report import ChangeReport, LoadReport, Tally
from meshctl.verify.sample import Sample
from meshctl.verify.window import Window


@dataclass(frozen=True, slots=True)
class Shape:
    """How much load. The figures are those under which "no request lost" is claimed for a change."""

    connections: int = 32  # half kept alive, half new for each request
    slow_every: int = 10
    slow_ms: int = 300
    held: int = 200  # slow requests under way all through a change
    requests_per_change: int = 2_000  # finished before a change's count ends
    timeout_s: float = 20.0  # for a connection, and for an answer: far beyond any pause of a busy machine
    change_limit_s: float = 120.0  # a change whose requests do not come to an end by then is stuck


class LoadStuck(Exception):
    """The requests that a change needs did not get under way, or not to an end, in time."""


class Load:
    """Load on all `targets` for as long as its `async with` block lasts.

    `in_flight`, if given, says how many requests the backends are serving; a change begins only when they
    have all the held ones.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        shape: Shape | None = None,
        in_flight: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self._targets = tuple(targets)
        self._shape = shape or Shape()
        self._backends_in_flight = in_flight
        self._clock = asyncio.get_running_loop().time
        self._counts = Counts(self._clock)
        self._in_flight = 0
        self._steady: list[Lane] = []
        self._windows: list[Window] = []
        self._samples: list[Sample] = []
        self._changes: list[ChangeReport] = []

    @property
    def in_flight(self) -> int:
        """Requests written and not yet answered."""
        return self._in_flight

    @property
    def tally(self) -> Tally:
        """The counts so far."""
        return self._counts.tally()

    @property
    def report(self) -> LoadReport:
        """The counts so far, and the changes that are over."""
        return LoadReport(self.tally, tuple(self._changes))

    async def __aenter__(self) -> Self:
        self._steady = [self._steady_lane(index) for index in range(self._shape.connections)]
        _start(self._steady)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _stop(self._steady)

    @asynccontextmanager
    async def change(self, name: str) -> AsyncIterator[Window]:
        """Count what happens while the block makes a change, and until enough requests have ended after it.

        The block begins with the held requests under way; they are renewed as they end, until the count is
        over. Changes may overlap: each holds its own requests and counts all. Raises LoadStuck.
        """
        gate = _Gate(self._shape.held)
        held = [self._held_lane(index, gate) for index in range(self._shape.held)]
        window: Window | None = None
        try:
            async with self._limit(f"{name}: the held requests did not get under way"):
                _start(held)
                await self._under_way(gate)
            window = Window(name, self._shape.requests_per_change, self._in_flight, self._clock)
            self._windows.append(window)
            yield window
            async with self._limit(f"{name}: too few requests ended"):
                await window.enough.wait()
                window.let_go()
                await _stop(held)
            self._changes.append(window.end())
        finally:
            if window is not None:
                self._windows.remove(window)
            await _stop(held)

    def sample(self, requests: int) -> Sample:
        """Count the next `requests` requests that begin, each to its end."""
        sample = Sample(requests, self._clock)
        self._samples.append(sample)
        return sample

    async def _under_way(self, gate: "_Gate") -> None:
        await gate.open.wait()
        if self._backends_in_flight is not None:
            await until(self._backends_hold_them)

    async def _backends_hold_them(self) -> bool:
        return self._backends_in_flight is None or await self._backends_in_flight() >= self._shape.held

    @asynccontextmanager
    async def _limit(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._shape.change_limit_s):
                yield
        except TimeoutError:
            raise LoadStuck(f"{what} within {self._shape.change_limit_s:g} s; so far {self.report}") from None

    def _steady_lane(self, index: int) -> Lane:
        target = self._targets[index // 2 % len(self._targets)]  # both kinds of lane for each target
        reuse = Reuse.NEW if index % 2 else Reuse.KEPT
        return Lane(target, self._pace(reuse, self._shape.slow_every, index), self._watcher(self._started))

    def _held_lane(self, index: int, gate: "_Gate") -> Lane:
        def started() -> None:
            self._started()
            gate.pass_one()

        target = self._targets[index % len(self._targets)]
        return Lane(target, self._pace(Reuse.KEPT, slow_every=1, offset=0), self._watcher(started))

    def _pace(self, reuse: Reuse, slow_every: int, offset: int) -> Pace:
        return Pace(reuse, slow_every, self._shape.slow_ms, offset, self._shape.timeout_s)

    def _watcher(self, started: Callable[[], None]) -> Watcher:
        samples: list[Sample] = []  # those that have the lane's request

        def begun() -> None:
            samples[:] = [sample for sample in self._samples if sample.takes()]
            started()

        return Watcher(begun, partial(self._finished, samples), self._settled)

    def _started(self) -> None:
        self._in_flight += 1

    def _finished(self, samples: Sequence[Sample], target: Target, outcome: Outcome) -> None:
        self._in_flight -= 1
        failure = failure_of(outcome, target.name, self._counts.seconds)
        self._counts.finished(target.name, outcome, failure)
        for window in self._windows:
            window.finished(target.name, outcome, failure)
        for sample in samples:
            sample.finished(target.name, outcome, failure)

    def _settled(self) -> None:
        for window in self._windows:
            window.settled(self._in_flight)


class _Gate:
    """Opens when as many requests have been written as it waits for."""

    def __init__(self, missing: int) -> None:
        self.open = asyncio.Event()
        self._missing = missing
        self._check()

    def pass_one(self) -> None:
        self._missing -= 1
        self._check()

    def _check(self) -> None:
        if self._missing <= 0:
            self.open.set()


def _start(lanes: Sequence[Lane]) -> None:
    for lane in lanes:
        lane.start()


async def _stop(lanes: Sequence[Lane]) -> None:
    """Stop all lanes, each after the request that it waits for."""
    if stopped := [lane.stop() for lane in lanes]:
        await asyncio.wait(stopped)

"""The door to the server: a stream waits here for its turn, and counts as open until it has left.

May import asyncio and its neighbours; what is decided, is in `admission`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from meshctl.xds.admission import Line
from meshctl.xds.limits import Limits, Overstepped, StreamEnd

Turn = asyncio.Future[None]


class Door:
    """Lets streams in."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._line: Line[Turn] = Line(limits)
        self._open = 0
        self._pending: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def passed(self, host: str) -> AsyncIterator[None]:
        """Wait for a turn, and be inside for as long as the block lasts. Raises Overstepped."""
        if self._open >= self._limits.streams:
            words = f"{self._limits.streams} streams are open, which are the most; try elsewhere"
            raise Overstepped(StreamEnd.STREAMS, words)
        self._open += 1
        try:
            await self._wait(host)
            yield
        finally:
            self._open -= 1

    async def _wait(self, host: str) -> None:
        turn: Turn = asyncio.get_running_loop().create_future()
        self._line.join(host, turn)
        self._call()
        try:
            async with asyncio.timeout(self._limits.patience):
                await turn
        except TimeoutError:
            words = f"more than {self._limits.new_streams:g} new streams a second; try again, or elsewhere"
            raise Overstepped(StreamEnd.RATE, words) from None
        finally:
            self._line.leave(host, turn)

    def _call(self) -> None:
        """Let in those whose turn it is, and come back for the next one."""
        loop = asyncio.get_running_loop()
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
        while (turn := self._line.next(loop.time())) is not None:
            if not turn.done():
                turn.set_result(None)
        if self._line:
            self._pending = loop.call_at(self._line.due(loop.time()), self._call)

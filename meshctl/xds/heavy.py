"""Work that others would notice, in turns. Such are large requests, which hold the event loop for tens of
milliseconds; no more bytes of them are in memory than may wait.

Imports asyncio and the limits beside it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from meshctl.xds.limits import LIMITS, Limits, Overstepped, StreamEnd

_LARGE = 256 << 10
"""Bytes. An Envoy that comes back with 1,000 clusters says 150 kB of them and of itself."""


class HalfTime:
    """Work that others would notice: one piece at a time, and then nothing of it for as long again."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._rests_until = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Do a piece of it within the block, when those before have done theirs and rested."""
        loop = asyncio.get_running_loop()
        async with self._one:
            await asyncio.sleep(self._rests_until - loop.time())
            began = loop.time()
            try:
                yield
            finally:
                self._rests_until = 2 * loop.time() - began


class Heavy:
    """Shared by all sessions of one server, so that large requests never have more than half of its time.

    `held` are the bytes of those that wait or are taken in.
    """

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._turns = HalfTime()
        self._of_host: Counter[str] = Counter()
        self.held = 0

    @asynccontextmanager
    async def turn(self, size: int, host: str) -> AsyncIterator[None]:
        """Take in a request of this many bytes within the block; a large one waits until it may.

        Raises Overstepped where too many bytes wait already: all together, or those from this host, so that
        one host does not shut the others out.
        """
        if size <= _LARGE:
            yield
            return
        with self._holding(size, host):
            async with self._turns.turn():
                yield

    @contextmanager
    def _holding(self, size: int, host: str) -> Iterator[None]:
        for held, most in ((self.held, self._limits.waiting), (self._of_host[host], self._limits.message)):
            if held + size > most:
                words = f"a request of {size} bytes, and {held} wait; {most} are the most: try again"
                raise Overstepped(StreamEnd.MESSAGE_SIZE, words)
        self.held += size
        self._of_host[host] += size
        try:
            yield
        finally:
            self.held -= size
            self._of_host[host] -= size
            if not self._of_host[host]:
                del self._of_host[host]

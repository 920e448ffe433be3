"""Large requests, which hold the event loop for tens of milliseconds: one at a time, with pauses between.

Imports asyncio.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LARGE = 256 << 10
"""Bytes. An Envoy that comes back with 1,000 clusters says 150 kB of them and of itself."""


class Heavy:
    """Shared by all sessions of one server, so that large requests never have more than half of its time."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, size: int) -> AsyncIterator[None]:
        """Take in a request of this many bytes within the block; a large one waits until it may."""
        if size <= _LARGE:
            yield
            return
        loop = asyncio.get_running_loop()
        async with self._one:
            began = loop.time()
            try:
                yield
            finally:
                await asyncio.sleep(loop.time() - began)

"""A TCP proxy that lets through what it is told to, so that a client behind it reads slowly or not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_PIECE = 4096


class Throttle:
    """Towards the client `rate` bytes a second pass, None: all; what the client says passes at once."""

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.rpartition(":")
        self._upstream = host, int(port)
        self._rate: float | None = None
        self._changed = asyncio.Event()
        self.port = 0
        self.passed = 0

    @property
    def address(self) -> str:
        """Where clients connect to."""
        return f"127.0.0.1:{self.port}"

    def limit(self, rate: float | None) -> None:
        """From now on so many bytes a second pass, on each connection; 0: none."""
        self._rate = rate
        self._changed.set()
        self._changed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            # A small buffer, so that what does not pass stays with the sender.
            inner, outer = await asyncio.open_connection(*self._upstream, limit=_PIECE)
        except OSError:
            writer.close()
            return
        ways = (self._up(reader, outer), self._down(inner, writer))
        done, left = await asyncio.wait(
            [asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED
        )
        for way in left:
            way.cancel()
        await asyncio.wait({*done, *left})
        writer.close()
        outer.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_PIECE):
            writer.write(data)
            await writer.drain()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_PIECE):
            await self._pass(len(data))
            writer.write(data)
            self.passed += len(data)
            await writer.drain()

    async def _pass(self, size: int) -> None:
        """Wait as long as these bytes take at the rate, which may change meanwhile."""
        while self._rate is not None:
            changed, wait = self._changed, size / self._rate if self._rate else None
            try:
                async with asyncio.timeout(wait):
                    await changed.wait()
            except TimeoutError:
                return


@asynccontextmanager
async def throttle(upstream: str, port: int = 0) -> AsyncIterator[Throttle]:
    """A proxy to `upstream` on this port of 127.0.0.1, 0: on any, that lets all through at first."""
    proxy = Throttle(upstream)
    # Of the receiving socket too: it takes its size from the listening one at connect.
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()

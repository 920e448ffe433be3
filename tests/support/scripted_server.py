"""An HTTP server that misbehaves as it is told, for the tests of what clients make of that."""

import asyncio
import contextlib
import enum
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Then(enum.Enum):
    """What the server does with the connection after its answer."""

    CLOSE = "close it"
    RESET = "reset it"
    WAIT = "leave it open and say no more"


@dataclass(frozen=True, slots=True)
class Once:
    """Read one request, write these bytes, then do away with the connection."""

    answer: bytes = b""
    then: Then = Then.CLOSE

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answer)
        if self.then is Then.WAIT:
            await reader.read()  # until the client gives up
        if self.then is Then.RESET:
            lingering = struct.pack("ii", 1, 0)  # on, for no time: close() sends RST
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
            writer.transport.abort()


@asynccontextmanager
async def scripted_server(play: Play) -> AsyncIterator[int]:
    """Serves each connection by `play`, on the port that is given; ends when all have been served.

    Connections are accepted in order, so one of our own comes after all others: none is left half open.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener, socket.socket() as last:
        listener.settimeout(0)
        last.bind(("127.0.0.1", 0))
        accepting = asyncio.ensure_future(_accept(listener, last.getsockname(), play))
        try:
            yield listener.getsockname()[1]
        finally:
            last.connect(listener.getsockname())
            await accepting


async def _accept(listener: socket.socket, last: object, play: Play) -> None:
    async with asyncio.TaskGroup() as serving:
        while True:
            connection, peer = await asyncio.get_running_loop().sock_accept(listener)
            if peer == last:
                return connection.close()
            serving.create_task(_serve(connection, play))


async def _serve(connection: socket.socket, play: Play) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):  # the client went first
        await play(reader, writer)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()

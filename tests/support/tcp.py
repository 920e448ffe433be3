"""A service that speaks first, as databases do, and then repeats what it hears; and its clients."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.waiting import LIMIT_S


@asynccontextmanager
async def greeter(name: str) -> AsyncIterator[int]:
    """Its port on 127.0.0.1. It says its name to everybody who comes."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{name}\n".encode())
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


class Client:
    """A connection; empty texts are the end of it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def hear(self) -> str:
        """The next line."""
        try:
            async with asyncio.timeout(LIMIT_S):
                return (await self._reader.readline()).decode().strip()
        except ConnectionError:
            return ""

    async def say(self, line: str) -> str:
        """Say a line, and hear the next one."""
        self._writer.write(f"{line}\n".encode())
        return await self.hear()


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Client]:
    """Connect to 127.0.0.1. Raises OSError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def greeted(port: int) -> str:
    """Who is there, for a connection of its own; empty where nobody is."""
    async with client(port) as one:
        return await one.hear()

"""A service that speaks TLS itself, and clients that ask it for a name."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trustme

from tests.support.waiting import LIMIT_S


@dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates for a test, and is trusted by its clients."""

    authority: trustme.CA

    @classmethod
    def new(cls) -> "Authority":
        """One that nobody else knows."""
        return cls(trustme.CA())

    @asynccontextmanager
    async def server(self, name: str, *hosts: str) -> AsyncIterator[int]:
        """It answers everybody with its name, for these hosts; its port on 127.0.0.1."""

        async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"{name}\n".encode())
            await writer.drain()
            writer.close()

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*hosts).configure_cert(context)
        async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context) as server:
            yield server.sockets[0].getsockname()[1]

    async def greeted(self, port: int, host: str) -> str:
        """Who answers for a host, whose certificate is checked; empty where nobody does."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        try:
            async with asyncio.timeout(LIMIT_S):
                opened = asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host)
                reader, writer = await opened
                line = await reader.readline()
        except (ConnectionError, ssl.SSLError):
            return ""
        writer.close()
        return line.decode().strip()

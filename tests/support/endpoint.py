"""An endpoint that a test leads: what it answers when it is asked how it is, and who has asked it what."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_CHECKER = b"\r\nuser-agent: envoy/hc"


@dataclass(slots=True)
class Endpoint:
    """Answers its name to requests, with `status`, and `health` to whoever checks it, so much later."""

    name: str
    port: int
    status: int = 200
    health: int = 200
    health_delay_s: float = 0.0
    requests: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    """How often which path was asked for, with its host."""

    def answer(self, head: bytes) -> tuple[int, str]:
        """Status and body for the head of a request."""
        if _CHECKER not in head.lower():
            self.requests += 1
            return self.status, self.name
        lines = head.decode().split("\r\n")
        host = next(line for line in lines if line.lower().startswith("host: "))
        self.checks[f"{host[6:]}{lines[0].split(' ')[1]}"] += 1
        return self.health, ""


@asynccontextmanager
async def endpoint(name: str, health: int = 200) -> AsyncIterator[Endpoint]:
    """It listens on a port of its own on 127.0.0.1."""
    known: list[Endpoint] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                status, body = known[0].answer(head)
                if not body:
                    await asyncio.sleep(known[0].health_delay_s)
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body)))
                writer.write(body.encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        known.append(Endpoint(name, server.sockets[0].getsockname()[1], health=health))
        yield known[0]

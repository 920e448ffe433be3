"""`retries`: which failed requests a real sidecar sends again, and how often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from meshctl.verify.connection import get
from tests.support.mesh import Mesh
from tests.support.shows import shows

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAILURES = 2


@shows("service.retries.attempts", "service.retries.on")
@pytest.mark.parametrize(
    ("keys", "status", "asked"),
    [
        ("{attempts: 2, on: [gateway-error]}", 200, 3),
        ("{attempts: 1, on: [gateway-error]}", 503, 2),
        ("{attempts: 0}", 503, 1),
        ("{attempts: 2, on: idempotent}", 200, 3),
        ("{attempts: 2, on: never_sent}", 503, 1),
        ("{attempts: 2, on: [connect-failure]}", 503, 1),
    ],
)
async def test_failed_request_is_sent_again_as_often_and_after_what_is_said(
    mesh: Mesh, keys: str, status: int, asked: int
) -> None:
    async with failing() as backend:
        await mesh.users(f"retries: {keys}", backend.port)
        response = await get(mesh.ports.egress, "/", {"host": "users"})
        assert (response.status, backend.asked) == (status, asked)


@dataclass(slots=True)
class Failing:
    """A backend that answers 503 to its first two requests."""

    port: int = 0
    asked: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        status = b"503 Service Unavailable" if self.asked <= FAILURES else b"200 OK"
        writer.write(b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status)
        writer.close()


@asynccontextmanager
async def failing() -> AsyncIterator[Failing]:
    """Such a backend, running."""
    backend = Failing()
    async with await asyncio.start_server(backend.serve, "127.0.0.1", 0) as server:
        backend.port = server.sockets[0].getsockname()[1]
        yield backend

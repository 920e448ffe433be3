"""`timeouts`: how long a real sidecar waits for an endpoint."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

import pytest

from meshctl.verify.connection import get
from tests.support.live_envoy import Backend
from tests.support.mesh import Mesh
from tests.support.shows import shows
from tests.support.waiting import eventually, pause

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOWLY = {"host": "users", "x-delay": "1000ms"}
NO_RETRIES = "retries: {attempts: 0}"


async def answered(mesh: Mesh) -> tuple[int, bytes]:
    """What the sidecar's service gets for a request that its callee answers after a second."""
    response = await get(mesh.ports.egress, "/", SLOWLY)
    return response.status, response.body.strip()


@shows("service.timeouts.request")
async def test_an_answer_that_takes_longer_than_request_is_504(mesh: Mesh) -> None:
    await mesh.users(f"timeouts: {{request: 200ms}}\n{NO_RETRIES}")
    assert await answered(mesh) == (504, b"upstream request timeout")
    await mesh.users(f"timeouts: {{request: 30s}}\n{NO_RETRIES}")
    assert await answered(mesh) == (200, b"v1")


async def test_request_off_is_no_limit_whatever_the_defaults_say(mesh: Mesh) -> None:
    async with mesh.defaults("service: {timeouts: {request: 200ms}, retries: {attempts: 0}}"):
        await mesh.users("")
        assert (await answered(mesh))[0] == 504
        await mesh.users("timeouts: {request: off}")
        assert await answered(mesh) == (200, b"v1")


@shows("service.timeouts.idle")
async def test_silence_longer_than_idle_is_504_and_a_slow_answer_is_not(mesh: Mesh) -> None:
    async with slow_answers() as port:
        await mesh.users(f"timeouts: {{request: off, idle: 500ms}}\n{NO_RETRIES}", port)
        steady = await get(mesh.ports.egress, "/steady", {"host": "users"})
        assert (steady.status, steady.body) == (200, b"." * 10)
        silent = await get(mesh.ports.egress, "/silent", {"host": "users"})
        assert (silent.status, silent.body) == (504, b"stream timeout")
        await mesh.users(f"timeouts: {{request: off, idle: off}}\n{NO_RETRIES}", port)
        assert (await get(mesh.ports.egress, "/silent", {"host": "users"})).status == 200


@asynccontextmanager
async def slow_answers() -> AsyncIterator[int]:
    """A backend that takes a second for ten bytes, or is silent for a second before them; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if b"/silent" in request:
            await pause(1)
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 10\r\n\r\n")
        for _ in range(10):
            writer.write(b".")
            await writer.drain()
            if b"/steady" in request:
                await pause(0.1)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@shows("service.timeouts.connect")
async def test_an_endpoint_that_does_not_take_a_connection_within_connect_is_given_up(mesh: Mesh) -> None:
    with unaccepting() as port:
        await mesh.users(f"timeouts: {{connect: 100ms}}\n{NO_RETRIES}", port)
        response = await get(mesh.ports.egress, "/", {"host": "users"})
        assert (response.status, b"connection timeout" in response.body) == (503, True)


@contextmanager
def unaccepting() -> Iterator[int]:
    """A port whose queue is full, so that nobody's connection is established."""
    with ExitStack() as open_, socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        for _ in range(4):
            waiting = open_.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(full.getsockname())
        yield full.getsockname()[1]


@shows("service.timeouts.keep_alive")
async def test_an_idle_connection_is_closed_by_its_caller_after_keep_alive(mesh: Mesh) -> None:
    backend = Backend()
    async with await asyncio.start_server(backend.serve, "127.0.0.1", 0) as server:
        await mesh.users("timeouts: {keep_alive: 100ms}", server.sockets[0].getsockname()[1])
        before = await idle_timeouts(mesh)
        assert (await get(mesh.ports.egress, "/", {"host": "users"})).status == 200

        async def closed() -> bool:
            return not backend.open

        await eventually(closed, "the backend's connection is closed")
        assert await idle_timeouts(mesh) > before


async def idle_timeouts(mesh: Mesh) -> int:
    """How many connections to `users` the sidecar has closed since it began: other tests' too."""
    return sum((await mesh.sidecar.stats(r"users/v1\.upstream_cx_idle_timeout$")).values())

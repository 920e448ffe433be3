"""The backend program, over its real port."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from meshctl.verify.backend import IN_FLIGHT_PATH
from meshctl.verify.connection import Outcome, connect, get
from meshctl.verify.http1 import Response, request_bytes
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import BackendProcess
from tests.support.waiting import LIMIT_S, eventually


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[BackendProcess]:
    [port] = free_ports(1)
    async with await BackendProcess.run("v1", "v1", port, tmp_path) as process:
        await process.wait_ready()
        yield process


async def test_it_answers_its_version(backend: BackendProcess) -> None:
    response = await get(backend.port, "/any")
    assert (response.status, response.body, response.headers[b"x-version"]) == (200, b"v1\n", b"v1")
    assert f"serving v1 on 127.0.0.1:{backend.port}" in backend.log_tail()


async def test_requests_that_wait_are_in_flight_and_hold_up_nobody(backend: BackendProcess) -> None:
    async def five() -> bool:
        return await backend.in_flight() == 5

    async def none() -> bool:
        return await backend.in_flight() == 0

    slow = [asyncio.create_task(get(backend.port, "/", {"x-delay": "3600000ms"}, 3600)) for _ in range(5)]
    await eventually(five, "five requests are in flight")
    assert (await get(backend.port, "/")).status == 200
    assert not any(request.done() for request in slow)
    for request in slow:
        request.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    await eventually(none, "the requests of clients that went are forgotten")


async def test_requests_that_wait_are_answered(backend: BackendProcess) -> None:
    slow = [get(backend.port, "/", {"x-delay": "10ms"}) for _ in range(5)]
    assert [response.body for response in await asyncio.gather(*slow)] == [b"v1\n"] * 5
    assert await backend.in_flight() == 0


async def test_requests_sent_at_once_on_one_connection_are_answered_in_turn(backend: BackendProcess) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", backend.port)
    late = request_bytes("/", {"host": "users", "x-delay": "10ms"})
    writer.write(late + request_bytes(IN_FLIGHT_PATH, {"host": "users"}))
    bodies = []
    for _ in range(2):
        await reader.readuntil(b"\r\n\r\n")
        bodies.append(await reader.readline())
    assert bodies == [b"v1\n", b"0\n"]
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("headers", "status"), [({"x-delay": "soon"}, 400), ({"transfer-encoding": "chunked"}, 411)]
)
async def test_what_it_does_not_do_is_refused(
    backend: BackendProcess, headers: dict[str, str], status: int
) -> None:
    assert (await get(backend.port, "/", headers)).status == status


async def test_on_sigterm_it_answers_what_is_under_way_and_ends(backend: BackendProcess) -> None:
    async def one() -> bool:
        return await backend.in_flight() == 1

    idle = await connect("127.0.0.1", backend.port, LIMIT_S)
    busy = await connect("127.0.0.1", backend.port, LIMIT_S)
    answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    # Long enough for the signal to come before the answer, whatever else the machine does.
    busy.send(request_bytes("/", {"host": "users", "x-delay": "2000ms"}), answer.set_result, LIMIT_S)
    await eventually(one, "a request is in flight")

    backend.signal(signal.SIGTERM)

    await idle.closed
    outcome = await answer
    assert isinstance(outcome, Response)
    assert (outcome.status, outcome.headers[b"connection"]) == (200, b"close")
    await busy.closed
    assert await backend.wait() == 0


async def test_a_taken_address_is_one_line(backend: BackendProcess) -> None:
    command = (sys.executable, "-m", "meshctl.verify.backend", "--port", str(backend.port), "--body", "v2")
    second = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await second.communicate()
    assert said.decode() == f"cannot listen on 127.0.0.1:{backend.port}: Address already in use\n"
    assert second.returncode == 1

"""`outliers`: which endpoints a real sidecar leaves out."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from meshctl.verify.connection import get
from tests.support.mesh import Mesh
from tests.support.shows import shows
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

NO_RETRIES = "retries: {attempts: 0}"


@asynccontextmanager
async def failing() -> AsyncIterator[int]:
    """An endpoint that answers everything with 500; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Broken\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def answers(mesh: Mesh, number: int) -> Counter[int]:
    """The statuses of requests that follow one another."""
    found = [await get(mesh.ports.egress, "/", {"host": "users"}) for _ in range(number)]
    return Counter(response.status for response in found)


@shows("service.outliers.consecutive_5xx", "service.outliers.eject_for")
async def test_an_endpoint_that_fails_is_left_out_for_a_while(mesh: Mesh) -> None:
    async def out() -> bool:
        return await answers(mesh, 10) == {200: 10}

    async def back() -> bool:
        return (await answers(mesh, 10))[500] > 0

    async with failing() as broken:
        keys = "outliers: {consecutive_5xx: 3, eject_for: 1s, max_ejected: 50%}"
        await mesh.users(f"{keys}\n{NO_RETRIES}", mesh.ports.v1, broken)
        await eventually(out, "the endpoint is left out")
        await eventually(back, "the endpoint is asked again")


@shows("service.outliers.max_ejected")
async def test_nobody_is_left_out_where_no_share_may_be(mesh: Mesh) -> None:
    async with failing() as broken:
        keys = "outliers: {consecutive_5xx: 1, max_ejected: 0%}"
        await mesh.users(f"{keys}\n{NO_RETRIES}", mesh.ports.v1, broken)
        assert (await answers(mesh, 100))[500] > 30

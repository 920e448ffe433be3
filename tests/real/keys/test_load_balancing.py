"""`load_balancing`: which endpoints a real sidecar chooses."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from meshctl.verify.connection import get
from tests.support.mesh import Mesh
from tests.support.shows import shows
from tests.support.waiting import pause

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOW_S = 0.4


@asynccontextmanager
async def endpoint(name: str, delay_s: float = 0.0) -> AsyncIterator[int]:
    """An endpoint that answers its name, so much later; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await pause(delay_s)
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(name))
        writer.write(name.encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def chosen(mesh: Mesh, number: int) -> str:
    """The names of the endpoints that answer requests which follow one another."""
    found = [await get(mesh.ports.egress, "/", {"host": "users"}) for _ in range(number)]
    return "".join(response.body.decode() for response in found)


async def at_once(mesh: Mesh, callers: int, each: int) -> Counter[str]:
    """How often which endpoint answers callers that all go on calling."""
    return Counter("".join(await asyncio.gather(*(chosen(mesh, each) for _ in range(callers)))))


@shows("service.load_balancing.policy")
async def test_round_robin_takes_turns_and_random_does_not(mesh: Mesh) -> None:
    async with endpoint("a") as one, endpoint("b") as other:
        await mesh.users("load_balancing: {policy: round_robin}", one, other)
        assert await chosen(mesh, 40) in ("ab" * 20, "ba" * 20)
        await mesh.users("load_balancing: {policy: random}", one, other)
        mixed = await chosen(mesh, 40)
        assert set(mixed) == {"a", "b"}
        assert mixed not in ("ab" * 20, "ba" * 20)


@shows("service.load_balancing.policy")
async def test_least_request_spares_the_endpoint_that_is_slow(mesh: Mesh) -> None:
    async with endpoint("f") as fast, endpoint("s", SLOW_S) as slow:
        await mesh.users("load_balancing: {policy: round_robin}", fast, slow)
        turns = await at_once(mesh, callers=6, each=6)
        assert abs(turns["f"] - turns["s"]) <= 1
        await mesh.users("load_balancing: {policy: least_request}", fast, slow)
        spared = await at_once(mesh, callers=6, each=6)
        assert spared["s"] < turns["s"] / 2


@shows("service.load_balancing.slow_start")
async def test_a_new_endpoint_gets_less_at_first_where_it_starts_slowly(mesh: Mesh) -> None:
    async with endpoint("o") as old, endpoint("n") as new:
        await mesh.users("load_balancing: {policy: round_robin}", old)
        await mesh.users("load_balancing: {policy: round_robin}", old, new)
        assert (await chosen(mesh, 40)).count("n") == 20
        await mesh.users("load_balancing: {policy: round_robin, slow_start: 6s}", old)
        await pause(6)  # until the old one is no new one any more
        await mesh.users("load_balancing: {policy: round_robin, slow_start: 6s}", old, new)
        assert (await chosen(mesh, 40)).count("n") < 15

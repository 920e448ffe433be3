"""`load_balancing`: which endpoints a real sidecar chooses."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from meshctl.verify.connection import get
from tests.support.mesh import Mesh
from tests.support.shows import shows
from tests.support.waiting import pause

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEYS = tuple(f"AC{number:04}" for number in range(60))


class Endpoint:
    """An endpoint that answers its name, and `/held` not before it is let go."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self.holds, self.let_go = asyncio.Event(), asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, for one request."""
        if b"/held" in await reader.readuntil(b"\r\n\r\n"):
            self.holds.set()
            await self.let_go.wait()
        head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(self._name) + self._name)
        writer.close()


@asynccontextmanager
async def running(one: Endpoint) -> AsyncIterator[int]:
    """Its port."""
    async with await asyncio.start_server(one.answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def endpoint(name: str) -> AbstractAsyncContextManager[int]:
    """An endpoint that holds nothing; its port."""
    return running(Endpoint(name))


async def by_key(mesh: Mesh, make: Callable[[str], tuple[str, dict[str, str]]]) -> dict[str, str]:
    """The endpoints that answer requests with each of these keys, three times; `make` makes one of a key."""
    found = {}
    for key in KEYS:
        path, headers = make(key)
        asked = [await get(mesh.ports.egress, path, {"host": "users", **headers}) for _ in range(3)]
        found[key] = "".join(sorted({response.body.decode() for response in asked}))
    return found


def in_header(key: str) -> tuple[str, dict[str, str]]:
    return "/", {"x-account": key}


def in_cookie(key: str) -> tuple[str, dict[str, str]]:
    return "/", {"cookie": f"other=1; account={key}"}


def in_query(key: str) -> tuple[str, dict[str, str]]:
    return f"/a?other=1&account={key}", {}


async def chosen(mesh: Mesh, number: int) -> str:
    """The names of the endpoints that answer requests which follow one another."""
    found = [await get(mesh.ports.egress, "/", {"host": "users"}) for _ in range(number)]
    return "".join(response.body.decode() for response in found)


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
@pytest.mark.parametrize(("policy", "spared"), [("least_request", 20), ("round_robin", 10)])
async def test_least_request_spares_the_endpoint_that_is_busy(mesh: Mesh, policy: str, spared: int) -> None:
    busy, free = Endpoint("b"), Endpoint("f")
    async with running(busy) as one, running(free) as other:
        await mesh.users(f"load_balancing: {{policy: {policy}}}", one, other)
        async with asyncio.TaskGroup() as under_way:
            under_way.create_task(get(mesh.ports.egress, "/held", {"host": "users"}))
            holding = [under_way.create_task(at.holds.wait()) for at in (busy, free)]
            await asyncio.wait(holding, return_when=asyncio.FIRST_COMPLETED)
            name = "f" if busy.holds.is_set() else "b"
            assert (await chosen(mesh, 20)).count(name) == spared
            for at in (busy, free):
                at.let_go.set()
                at.holds.set()


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


@shows("service.load_balancing.policy", "service.load_balancing.by.header")
async def test_without_an_endpoint_its_requests_go_elsewhere_and_hardly_any_others(mesh: Mesh) -> None:
    table = "load_balancing: {policy: maglev, by: {header: X-Account}}"
    async with endpoint("a") as one, endpoint("b") as other, endpoint("c") as third:
        await mesh.users("load_balancing: {policy: round_robin}", one, other, third)
        assert set((await by_key(mesh, in_header)).values()) == {"abc"}
        await mesh.users(table, one, other, third)
        whole = await by_key(mesh, in_header)
        assert set(whole.values()) == {"a", "b", "c"}
        await mesh.users(table, one, other)
        left = await by_key(mesh, in_header)
        assert set(left.values()) == {"a", "b"}
        others = [key for key in KEYS if whole[key] != "c"]
        assert sum(left[key] != whole[key] for key in others) <= len(others) / 6  # of 394, none were seen


@shows("service.load_balancing.by.cookie", "service.load_balancing.by.query")
@pytest.mark.parametrize(
    ("by", "make"),
    [("{cookie: account}", in_cookie), ("{query: account}", in_query)],
    ids=["cookie", "query"],
)
async def test_what_has_the_same_part_goes_to_the_same_endpoint(
    mesh: Mesh, by: str, make: Callable[[str], tuple[str, dict[str, str]]]
) -> None:
    async with endpoint("a") as one, endpoint("b") as other:
        await mesh.users(f"load_balancing: {{policy: ring_hash, by: {by}}}", one, other)
        assert set((await by_key(mesh, make)).values()) == {"a", "b"}


@shows("service.load_balancing.by")
async def test_a_gateway_sends_what_comes_from_one_address_to_one_endpoint(mesh: Mesh) -> None:
    async with endpoint("a") as one, endpoint("b") as other:
        await mesh.users("load_balancing: {policy: ring_hash, by: source}", one, other)
        found = [[await from_address(mesh, f"127.0.0.{last}") for _ in range(3)] for last in range(2, 22)]
    assert {"".join(sorted(set(answers))) for answers in found} == {"a", "b"}


async def from_address(mesh: Mesh, address: str) -> str:
    """The body of the answer of the gateway to a client at this address."""
    reader, writer = await asyncio.open_connection("127.0.0.1", mesh.ports.edge, local_addr=(address, 0))
    writer.write(b"GET / HTTP/1.1\r\nhost: api.example.com\r\nconnection: close\r\n\r\n")
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    return body.decode()

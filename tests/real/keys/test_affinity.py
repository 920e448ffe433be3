"""`affinity`: who stays on an endpoint through real Envoys, and until when."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from meshctl.envoy import pb
from meshctl.verify.connection import Connection, Outcome, connect, get
from meshctl.verify.http1 import Response, request_bytes
from tests.support.endpoint import Endpoint, endpoint
from tests.support.mesh import Mesh
from tests.support.shows import shows
from tests.support.waiting import LIMIT_S, eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

TURNS = "load_balancing: {policy: round_robin}"
BY_COOKIE = f"affinity: {{by: {{cookie: SRV}}}}\n{TURNS}"


class Session:
    """A client that sends back what it was told."""

    def __init__(self, port: int, host: str, header: str = "") -> None:
        self._port, self._host, self._header = port, host, header
        self._told: dict[str, str] = {}
        self.answers: list[str] = []

    async def ask(self, number: int = 1) -> set[str]:
        """Who answers so many requests; what is no 200 by its status."""
        found = []
        for _ in range(number):
            response = await get(self._port, "/", {"host": self._host, **self._told})
            self._keep(response.headers)
            found.append(response.body.decode() if response.status == 200 else str(response.status))
        self.answers += found
        return set(found)

    def _keep(self, headers: Mapping[bytes, bytes]) -> None:
        if value := headers.get(self._header.encode()):
            self._told[self._header] = value.decode()
        elif cookie := headers.get(b"set-cookie"):
            self._told["cookie"] = cookie.decode().partition(";")[0]


def by_sidecar(mesh: Mesh) -> Session:
    return Session(mesh.ports.egress, "users")


@asynccontextmanager
async def endpoints(*names: str) -> AsyncIterator[list[Endpoint]]:
    async with AsyncExitStack() as running:
        yield [await running.enter_async_context(endpoint(name)) for name in names]


@shows("service.affinity.by.cookie")
async def test_a_client_with_its_cookie_stays_while_others_share(mesh: Mesh) -> None:
    async with endpoints("a", "b", "c") as some:
        await mesh.users(TURNS, *(one.port for one in some))
        assert await by_sidecar(mesh).ask(9) == {"a", "b", "c"}
        await mesh.users(BY_COOKIE, *(one.port for one in some))
        sessions_of = [by_sidecar(mesh) for _ in range(6)]
        stayed = [await session.ask(9) for session in sessions_of]
    assert {len(answers) for answers in stayed} == {1}
    assert set().union(*stayed) == {"a", "b", "c"}


@shows("service.affinity.by.header")
async def test_a_client_of_a_gateway_stays_by_a_header(mesh: Mesh) -> None:
    async with endpoints("a", "b") as some:
        await mesh.users(f"affinity: {{by: {{header: X-Session}}}}\n{TURNS}", *(one.port for one in some))
        clients = [Session(mesh.ports.edge, "api.example.com", "x-session") for _ in range(4)]
        stayed = [await client.ask(9) for client in clients]
    assert {len(answers) for answers in stayed} == {1}
    assert set().union(*stayed) == {"a", "b"}


async def test_clients_of_an_endpoint_that_goes_stay_on_another_one_and_lose_no_request(mesh: Mesh) -> None:
    assert await while_one_goes(mesh, "SRV") == {"200"}


async def test_clients_lose_requests_where_a_session_insists_on_its_endpoint(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = pb.StatefulSession
    monkeypatch.setattr(pb, "StatefulSession", lambda **said: right(strict=True, **said))
    assert "503" in await while_one_goes(mesh, "STRICT")


async def while_one_goes(mesh: Mesh, cookie: str) -> set[str]:
    """The statuses of clients that go on asking, while one endpoint leaves the catalog and ends."""
    keys = f"affinity: {{by: {{cookie: {cookie}}}}}\n{TURNS}"
    async with endpoints("a", "b") as (one, other):
        await mesh.users(keys, one.port, other.port)
        clients = [by_sidecar(mesh) for _ in range(8)]
        for client in clients:
            await client.ask()
        enough = asyncio.Event()
        async with asyncio.TaskGroup() as asking:
            for client in clients:
                asking.create_task(go_on(client, enough))
            await mesh.users(keys, one.port)
            enough.set()
        left = {frozenset(await client.ask(5)) for client in clients}
    answers = Counter(answer for client in clients for answer in client.answers)
    assert {frozenset({"a"})} == left or "503" in answers
    return {"200" if answer in "ab" else answer for answer in answers}


async def go_on(client: Session, enough: asyncio.Event) -> None:
    while not enough.is_set():
        await client.ask()


async def test_a_client_whose_endpoint_fails_its_check_stays_on_another_one(mesh: Mesh) -> None:
    async with endpoints("a", "b") as some:
        check = "health: {path: /healthz, interval: 50ms, from: callers}"
        await mesh.users(f"{BY_COOKIE}\n{check}", *(one.port for one in some))
        client = by_sidecar(mesh)
        (first,) = await client.ask()
        (its,) = [one for one in some if one.name == first]
        its.health = 500

        async def moved() -> bool:
            return await client.ask(5) == {"a", "b"} - {first}

        await eventually(moved, "another endpoint answers")


async def test_affinity_comes_and_goes_without_draining_a_listener(mesh: Mesh) -> None:
    async with endpoints("a", "b") as some:
        ports = [one.port for one in some]
        await mesh.users(TURNS, *ports)
        sidecar = await connect("127.0.0.1", mesh.ports.egress, LIMIT_S)
        edge = await connect("127.0.0.1", mesh.ports.edge, LIMIT_S)
        listeners = [await versions(mesh)]
        for keys, told in ((TURNS, False), (BY_COOKIE, True), (TURNS, False)):
            await mesh.users(keys, *ports)
            for open_, host in ((sidecar, "users"), (edge, "api.example.com")):
                answer = await over(open_, host)
                assert (b"set-cookie" in answer.headers) is told
            listeners.append(await versions(mesh))
        sidecar.close()
        edge.close()
    assert listeners == [listeners[0]] * 4


async def versions(mesh: Mesh) -> list[float]:
    """How often each node was given other listeners."""
    stats = [
        await envoy.stats(r"^listener_manager\.listener_(added|modified|removed)$")
        for envoy in (mesh.sidecar, mesh.gateway)
    ]
    return [number for one in stats for number in one.values()]


async def over(open_: Connection, host: str) -> Response:
    """One request on an open connection."""
    answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    open_.send(request_bytes("/", {"host": host}), answered.set_result, LIMIT_S)
    outcome = await answered
    assert isinstance(outcome, Response)
    return outcome

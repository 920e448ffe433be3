"""tcp, mysql and redis: connections that real sidecars and gateways pass on as they are."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from meshctl.verify.connection import get
from meshctl.verify.ports import free_ports
from tests.support.beside import beside
from tests.support.mesh import Mesh
from tests.support.shows import shows
from tests.support.tcp import client, greeted, greeter
from tests.support.waiting import eventually, pause

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILE = "data/db.yaml"


class Database:
    """`db`, which `web` uses: the port of its own that the sidecar has for it."""

    def __init__(self, mesh: Mesh, port: int) -> None:
        self.mesh, self.port = mesh, port

    async def is_at(self, where: str, keys: str = "") -> None:
        """It is there, with these keys besides."""
        head = f"service: db\nprotocol: mysql\nport: 3306\negress_port: {self.port}\n"
        await self.mesh.say(FILE, f"{head}{where}\n{keys}\n")


@asynccontextmanager
async def database(mesh: Mesh, where: str, keys: str = "") -> AsyncIterator[Database]:
    db = Database(mesh, free_ports(1)[0])
    await db.is_at(where, keys)
    async with mesh.using("db"):
        yield db


def at(*ports: int) -> str:
    return f"endpoints: [{', '.join(f'127.0.0.1:{port}' for port in ports)}]"


def versions(old: int, new: int, serving: str) -> str:
    return f"versions: {{old: {{{at(old)}}}, new: {{{at(new)}}}}}\nserving: {serving}"


@shows("service.egress_port")
async def test_a_service_that_speaks_first_is_reached_by_a_port_of_the_sidecar(mesh: Mesh) -> None:
    async with greeter("db") as port, database(mesh, at(port)) as db, client(db.port) as one:
        assert await one.hear() == "db"
        assert await one.say("select 1") == "select 1"
        asked = await get(mesh.ports.egress, "/", {"host": "db"})
        assert asked.status == 404
        assert asked.body.decode() == f"db speaks mysql: open connections to port {db.port}\n"


@shows("service.egress_port")
async def test_a_port_of_its_own_leads_to_a_service_whatever_host_is_asked_for(mesh: Mesh) -> None:
    (port,) = free_ports(1)
    await mesh.users(f"egress_port: {port}\nroutes: [{{match: {{path: /ping}}, respond: {{status: 201}}}}]")
    assert (await get(port, "/", {"host": "who.knows"})).body == b"v1\n"
    assert (await get(port, "/ping", {"host": "else"})).status == 201
    assert (await get(mesh.ports.egress, "/", {"host": "users"})).body == b"v1\n"


@shows("gateway.listeners[].tcp")
async def test_a_gateway_passes_connections_on(mesh: Mesh) -> None:
    file = "edge/edge.yaml"
    text = (mesh.stage.scene.catalog / file).read_text()
    (door,) = free_ports(1)
    async with greeter("db") as port, database(mesh, at(port)):
        try:
            listeners = f"  - {{bind: 127.0.0.1:{door}, tcp: db}}\nsites:"
            await mesh.say(file, text.replace("sites:", listeners))
            async with client(door) as one:
                assert [await one.hear(), await one.say("1"), await one.say("2")] == ["db", "1", "2"]
        finally:
            await mesh.say(file, text)


@shows("service.serving", "service.versions")
async def test_shares_of_connections_shift_and_open_ones_stay(mesh: Mesh) -> None:
    async with (
        greeter("o") as old,
        greeter("n") as new,
        database(mesh, versions(old, new, "old")) as db,
        client(db.port) as early,
    ):
        assert await early.hear() == "o"
        await db.is_at(versions(old, new, "{old: 75%, new: 25%}"))
        shares = Counter([await greeted(db.port) for _ in range(40)])
        assert 28 <= shares["o"] <= 32
        await db.is_at(versions(old, new, "new"))
        assert {await greeted(db.port) for _ in range(10)} == {"n"}
        assert await early.say("still here") == "still here"


@shows("service.retries.attempts")
async def test_a_connection_that_nobody_took_is_tried_elsewhere_as_often_as_said(mesh: Mesh) -> None:
    (nobody,) = free_ports(1)
    async with greeter("db") as port, database(mesh, at(nobody, port), "retries: {attempts: 0}") as db:
        assert Counter([await greeted(db.port) for _ in range(10)]) == {"db": 5, "": 5}
        await db.is_at(at(nobody, port), "retries: {attempts: 1}")
        assert Counter([await greeted(db.port) for _ in range(10)]) == {"db": 10}


@shows("service.timeouts.idle")
async def test_a_connection_that_is_silent_for_too_long_is_closed(mesh: Mesh) -> None:
    async with greeter("db") as port, database(mesh, at(port), "timeouts: {idle: 300ms}") as db:
        async with client(db.port) as silent:
            assert [await silent.hear(), await silent.hear()] == ["db", ""]
        await db.is_at(at(port), "timeouts: {idle: off}")
        async with client(db.port) as silent:
            assert await silent.hear() == "db"
            await pause(1)
            assert await silent.say("still here") == "still here"


@shows("service.circuit_breakers.connections")
async def test_beyond_its_limit_of_connections_another_one_is_closed(mesh: Mesh) -> None:
    async with greeter("db") as port, database(mesh, at(port)) as db:
        await db.is_at(at(port), "circuit_breakers: {connections: 1}")
        async with client(db.port) as one:
            assert await one.hear() == "db"

            async def closed() -> bool:
                return await greeted(db.port) == ""

            await eventually(closed, "another connection is closed")
            assert await one.say("still here") == "still here"


@shows("service.target_port")
async def test_its_own_sidecar_hands_connections_over(mesh: Mesh) -> None:
    (taken,) = free_ports(1)
    async with greeter("db") as port, database(mesh, at(port)) as db:
        where = f"endpoints: [127.0.0.1]\ntarget_port: {port}"
        await mesh.say(FILE, f"service: db\nprotocol: tcp\nport: {taken}\negress_port: {db.port}\n{where}\n")
        assert await greeted(db.port) == ""
        async with beside(mesh.stage.scene, "db"), client(db.port) as one:
            assert [await one.hear(), await one.say("select 1")] == ["db", "select 1"]


@shows("service.load_balancing.by")
async def test_connections_of_one_address_go_to_the_same_endpoint(mesh: Mesh) -> None:
    async with greeter("a") as one, greeter("b") as other, database(mesh, at(one, other)) as db:
        assert {await greeted(db.port) for _ in range(10)} == {"a", "b"}
        await db.is_at(at(one, other), "load_balancing: {policy: maglev, by: source}")
        assert len({await greeted(db.port) for _ in range(10)}) == 1

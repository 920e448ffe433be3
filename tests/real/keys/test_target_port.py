"""`target_port`: what a real sidecar takes for the process beside it, and what its callers make of that."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from meshctl.names import NEVER_SENT
from meshctl.verify.connection import get
from meshctl.verify.http1 import Response
from meshctl.verify.ports import free_ports
from meshctl.verify.scene import USERS_FILE
from tests.support.beside import beside
from tests.support.grpc_backend import call, grpc_backend
from tests.support.mesh import Mesh
from tests.support.shows import shows
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

HERE = "127.0.0.1"
TIMES = 12
IN_TURN = "outliers: {max_ejected: 0%}\nload_balancing: {policy: round_robin}"
THROUGH_THE_GATEWAY = {"host": "api.example.com"}


async def users(
    mesh: Mesh, port: int, target_port: int, keys: str = "", endpoints: str = "127.0.0.1"
) -> None:
    """`users` has a sidecar on `port`, and its process on `target_port`."""
    exposed = "expose: [{on: edge, host: api.example.com}]"
    own = f"service: users\nport: {port}\ntarget_port: {target_port}\nendpoints: [{endpoints}]\n"
    await mesh.say(USERS_FILE, f"{own}{exposed}\n{keys}\n")


async def ask(mesh: Mesh) -> Response:
    """One request of `web` to `users`."""
    return await get(mesh.ports.egress, "/", {"host": "users"})


@shows("service.target_port")
async def test_a_sidecar_takes_what_its_service_is_sent_and_hands_it_to_the_process(mesh: Mesh) -> None:
    (port,) = free_ports(1)
    async with beside(mesh.stage.scene, "users") as own:
        await users(mesh, port, mesh.ports.v1)
        through_sidecar = await ask(mesh)
        through_gateway = await get(mesh.ports.edge, "/", THROUGH_THE_GATEWAY)
        assert (through_sidecar.body, through_gateway.body) == (b"v1\n", b"v1\n")
        taken = await own.stats(r"^http\.ingress/users\.downstream_rq_2xx$")
        assert taken == {"http.ingress/users.downstream_rq_2xx": 2}
        await mesh.users("")
        await eventually(partial(is_free, port), "the sidecar has given up the port")


async def is_free(port: int) -> bool:
    """Whether nobody listens on a port of 127.0.0.1."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_a_process_that_speaks_grpc_is_spoken_to_in_grpc(mesh: Mesh) -> None:
    (port,) = free_ports(1)
    async with grpc_backend() as target_port, beside(mesh.stage.scene, "users"):
        await users(mesh, port, target_port, "protocol: grpc")
        assert (await call(mesh.ports.egress, 0, {})).message is None
        await users(mesh, port, target_port, "protocol: http")
        assert (await call(mesh.ports.egress, 0, {})).message is not None


async def test_what_a_process_never_saw_is_sent_to_another_endpoint(mesh: Mesh) -> None:
    (port, nobody) = free_ports(2)
    async with beside(mesh.stage.scene, "users"), process("127.0.0.2", port) as other:
        both = "127.0.0.1, 127.0.0.2"
        await users(mesh, port, nobody, IN_TURN, both)
        assert Counter([(await ask(mesh)).status for _ in range(TIMES)]) == {200: TIMES}
        assert other.requests == TIMES
        await users(mesh, port, nobody, f"{IN_TURN}\nretries: {{attempts: 0}}", both)
        answers = [await ask(mesh) for _ in range(TIMES)]
        assert {answer.status for answer in answers} == {200, 503}
        assert not any(NEVER_SENT.encode() in answer.headers for answer in answers)


async def test_what_a_process_saw_is_not_sent_again_whatever_it_says(mesh: Mesh) -> None:
    (port,) = free_ports(1)
    async with beside(mesh.stage.scene, "users"), process("127.0.0.1", 0, b"503 No", NEVER_SENT) as one:
        await users(mesh, port, one.port)
        assert ((await ask(mesh)).status, one.requests) == (503, 1)


class Process:
    """What answers beside a sidecar, or on a machine that has none."""

    def __init__(self, status: bytes, header: str) -> None:
        self.port, self.requests = 0, 0
        self._answer = b"HTTP/1.1 %s\r\n%s: 1\r\ncontent-length: 0\r\n\r\n" % (status, header.encode())

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                writer.write(self._answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def process(
    address: str, port: int, status: bytes = b"200 OK", header: str = "x-plain"
) -> AsyncIterator[Process]:
    """A process that answers every request alike."""
    one = Process(status, header)
    async with await asyncio.start_server(one.serve, address, port) as server:
        one.port = server.sockets[0].getsockname()[1]
        yield one

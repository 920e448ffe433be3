"""`protocol`: what a real sidecar speaks with endpoints, and how long it lets calls last."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from meshctl.verify.connection import get
from tests.support.echo_envoy import echo_envoy
from tests.support.grpc_backend import call
from tests.support.mesh import Mesh
from tests.support.shows import shows

pytestmark = pytest.mark.asyncio(loop_scope="session")


@shows("service.protocol")
@pytest.mark.parametrize(
    ("protocol", "spoken"), [("http", b"HTTP/1.1"), ("http2", b"HTTP/2"), ("grpc", b"HTTP/2")]
)
async def test_endpoints_are_spoken_to_in_their_protocol(
    mesh: Mesh, tmp_path: Path, protocol: str, spoken: bytes
) -> None:
    async with echo_envoy(tmp_path) as port:
        await mesh.users(f"protocol: {protocol}", port)
        for entrance, host in ((mesh.ports.egress, "users"), (mesh.ports.edge, "api.example.com")):
            response = await get(entrance, "/", {"host": host})
            assert (response.status, response.headers[b"x-protocol"]) == (200, spoken)


async def test_a_grpc_call_ends_at_the_deadline_that_it_names_itself(mesh: Mesh) -> None:
    deadline = {"grpc-timeout": "200m"}
    async with silent() as port:
        await mesh.users("protocol: grpc", port)
        assert await call(mesh.ports.egress, 30, deadline) == ("4", "downstream duration timeout")
        await mesh.users("protocol: http2\ntimeouts: {request: 500ms}", port)
        assert await call(mesh.ports.egress, 30, deadline) == ("14", "upstream request timeout")


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """An endpoint that takes connections and everything that comes over them, and answers nothing."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]

"""`protocol`: what a real sidecar speaks with endpoints, and how long it lets calls last."""

import asyncio
import http.client
from contextlib import closing
from pathlib import Path

import pytest

from meshctl.verify.connection import get
from tests.support.echo_envoy import echo_envoy
from tests.support.grpc_backend import WAIT, grpc_backend
from tests.support.mesh import Mesh
from tests.support.waiting import LIMIT_S

pytestmark = pytest.mark.asyncio(loop_scope="session")


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
    async with grpc_backend() as port:
        await mesh.users("protocol: grpc", port)
        assert await asyncio.to_thread(called, mesh.ports.egress) == ("4", "downstream duration timeout")
        await mesh.users("protocol: http2\ntimeouts: {request: 500ms}", port)
        assert await asyncio.to_thread(called, mesh.ports.egress) == ("14", "upstream request timeout")


def called(port: int) -> tuple[str | None, str | None]:
    """Status and message of a call of 30 s that should take 0.2 s at most, by a client that only says so."""
    headers = {"host": "users", "content-type": "application/grpc", "te": "trailers", "grpc-timeout": "200m"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)) as connection:
        connection.request("POST", WAIT, b"\0\0\0\0\x0230", headers)
        response = connection.getresponse()
        return response.headers["grpc-status"], response.headers["grpc-message"]

"""What lasts long and says little survives the defaults, on a real sidecar."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import pytest

from meshctl.verify.ports import free_ports
from tests.support.beside import beside
from tests.support.grpc_backend import TICK, grpc_backend
from tests.support.mesh import Mesh
from tests.support.waiting import LIMIT_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

SILENCE_S = 30.0


async def test_a_silent_stream_survives_as_grpc_and_not_as_http2(mesh: Mesh) -> None:
    async with grpc_backend() as port, three_services(mesh, port):
        streams = (stream(mesh, name) for name in ("calls", "behind", "plain"))
        survived, through_two, cut = await asyncio.gather(*streams)
    assert survived == ([b"first", b"last"], grpc.StatusCode.OK)
    assert through_two == survived
    assert cut == ([b"first"], grpc.StatusCode.INTERNAL)


@asynccontextmanager
async def three_services(mesh: Mesh, port: int) -> AsyncIterator[None]:
    """`calls` is gRPC and `plain` is http2, both with this endpoint and the defaults of the edition.

    `behind` is `calls` behind a sidecar of its own.
    """
    (taken,) = free_ports(1)
    own = f"service: behind\nport: {taken}\ntarget_port: {port}\nprotocol: grpc\nendpoints: [127.0.0.1]\n"
    await mesh.say("long/behind.yaml", own)
    for name, protocol in (("calls", "grpc"), ("plain", "http2")):
        text = f"service: {name}\nport: 8080\nprotocol: {protocol}\nendpoints: [127.0.0.1:{port}]\n"
        await mesh.say(f"long/{name}.yaml", text)
    async with beside(mesh.stage.scene, "behind"), mesh.using("calls", "behind", "plain"):
        yield


async def stream(mesh: Mesh, service: str) -> tuple[list[bytes], grpc.StatusCode]:
    """What a client of the sidecar gets of a stream that is silent for long between its two messages."""
    got = list[bytes]()
    options = (("grpc.default_authority", service), ("grpc.enable_http_proxy", 0))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{mesh.ports.egress}", options) as channel:
        tick: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(TICK)
        call = tick(str(SILENCE_S).encode(), timeout=2 * LIMIT_S)
        with suppress(grpc.aio.AioRpcError):
            async for answer in call:
                got.append(answer)
        return got, await call.code()

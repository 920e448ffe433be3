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
from tests.support.shows import shows
from tests.support.tcp import client, greeter
from tests.support.waiting import LIMIT_S, pause

pytestmark = pytest.mark.asyncio(loop_scope="session")

SILENCE_S = 30.0


@shows("service.protocol")
async def test_silent_streams_and_a_silent_connection_survive(mesh: Mesh) -> None:
    async with grpc_backend() as port, greeter("db") as db, services(mesh, port, db) as database:
        streams = [stream(mesh, name) for name in ("calls", "behind", "plain")]
        survived, through_two, cut, said = await asyncio.gather(*streams, silent_connection(database))
    assert survived == ([b"first", b"last"], grpc.StatusCode.OK)
    assert through_two == survived
    assert cut == ([b"first"], grpc.StatusCode.INTERNAL)
    assert said == ["db", "select 1"]


@asynccontextmanager
async def services(mesh: Mesh, port: int, db: int) -> AsyncIterator[int]:
    """`calls` is gRPC, `plain` http2, `behind` is `calls` behind a sidecar of its own, with the defaults.

    `silent` is a database at the port given.
    """
    taken, egress = free_ports(2)
    own = f"service: behind\nport: {taken}\ntarget_port: {port}\nprotocol: grpc\nendpoints: [127.0.0.1]\n"
    await mesh.say("long/behind.yaml", own)
    for name, protocol, where in (("calls", "grpc", port), ("plain", "http2", port), ("silent", "mysql", db)):
        text = f"service: {name}\nport: 8080\nprotocol: {protocol}\nendpoints: [127.0.0.1:{where}]\n"
        own = f"egress_port: {egress}\n" if name == "silent" else ""
        await mesh.say(f"long/{name}.yaml", text + own)
    async with beside(mesh.stage.scene, "behind"), mesh.using("calls", "behind", "plain", "silent"):
        yield egress


async def silent_connection(port: int) -> list[str]:
    """What a connection hears before and after it was silent for long."""
    async with client(port) as one:
        heard = [await one.hear()]
        await pause(SILENCE_S)
        return [*heard, await one.say("select 1")]


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

"""A gRPC service as an endpoint: a call that lasts as long as it is asked to, and one that streams."""

import asyncio
import http.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import NamedTuple, TypeAlias

import grpc

from tests.support.waiting import LIMIT_S

SERVICE = "example.Users"
WAIT, TICK = f"/{SERVICE}/Wait", f"/{SERVICE}/Tick"
"""Both take a number of seconds: `Wait` answers then, `Tick` sends something now and then, and then ends."""

_Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"


@asynccontextmanager
async def grpc_backend() -> AsyncIterator[int]:
    """Its port on 127.0.0.1."""
    server = grpc.aio.server()
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Wait": grpc.unary_unary_rpc_method_handler(_wait),
        "Tick": grpc.unary_stream_rpc_method_handler(_tick),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


async def _wait(request: bytes, _context: _Context) -> bytes:
    await asyncio.sleep(float(request))
    return b"waited"


async def _tick(request: bytes, _context: _Context) -> AsyncIterator[bytes]:
    yield b"first"
    await asyncio.sleep(float(request))
    yield b"last"


class Called(NamedTuple):
    """How a call ended, by the headers of its answer; None where they do not say it yet."""

    status: str | None
    message: str | None


async def call(port: int, seconds: int, headers: dict[str, str]) -> Called:
    """Call `Wait` of `users` through a sidecar, as a client without deadlines and timeouts of its own."""
    return await asyncio.to_thread(_call, port, seconds, headers)


def _call(port: int, seconds: int, headers: dict[str, str]) -> Called:
    known = {"host": "users", "content-type": "application/grpc", "te": "trailers"}
    said = str(seconds).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)) as connection:
        connection.request("POST", WAIT, b"\0" + len(said).to_bytes(4, "big") + said, known | headers)
        found = connection.getresponse().headers
        return Called(found["grpc-status"], found["grpc-message"])

"""A gRPC service as an endpoint: a call that lasts as long as it is asked to, and one that streams."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import grpc

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

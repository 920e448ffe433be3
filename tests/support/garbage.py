"""Clients that ask a control plane for all that it should not give: a process of its own, until it is killed.

`python -m tests.support.garbage ADDRESS KIND...` writes the kind on a line of stdout after each attempt.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

import grpc
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest

from meshctl.names import CLUSTER, ENDPOINTS

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
_MIB = 1 << 20
_WAIT_S = 2.0  # for what is said to one attempt
_MANY = 8  # of each kind at a time

Attempt = Callable[[int], Iterator[bytes]]


def noise(seed: int) -> Iterator[bytes]:
    """Bytes without sense."""
    yield random.Random(seed).randbytes(20_000)


def names(seed: int) -> Iterator[bytes]:
    """Fifty thousand names that do not exist, again and again."""
    yield _introduction(f"names-{seed}")
    for _ in range(20):
        asked = (f"{seed}-{number}" for number in range(50_000))
        yield DeltaDiscoveryRequest(type_url=ENDPOINTS, resource_names_subscribe=asked).SerializeToString()


def bomb(seed: int) -> Iterator[bytes]:
    """Few bytes on the wire, and much more when they are parsed."""
    yield _introduction(f"bomb-{seed}")
    yield b"\x1a\x00" * (12 * _MIB)


def views(seed: int) -> Iterator[bytes]:
    """Another view each time."""
    yield _introduction(f"views-{seed}", egress=f"127.0.0.1:{seed % 60_000 + 1}")


def metadata(seed: int) -> Iterator[bytes]:
    """Ten megabytes of a node."""
    yield _introduction(f"metadata-{seed}", more="x" * (10 * _MIB))


def replay(seed: int) -> Iterator[bytes]:
    """Nonces of nobody's answers, with refusals of many words."""
    yield _introduction(f"replay-{seed}")
    for nonce in range(200):
        message = DeltaDiscoveryRequest(type_url=CLUSTER, response_nonce=f"{nonce}")
        message.error_detail.message = "Error adding/updating cluster(s) users/v1: no, " * 1_500
        yield message.SerializeToString()


def silence(_seed: int) -> Iterator[bytes]:
    """A stream, and nothing on it."""
    yield from ()


KINDS: Mapping[str, Attempt] = {
    one.__name__: one for one in (noise, names, bomb, views, metadata, replay, silence)
}


def _introduction(node_id: str, **metadata: str) -> bytes:
    message = DeltaDiscoveryRequest(type_url=CLUSTER)
    message.node.id, message.node.cluster = node_id, "web"
    message.node.metadata.update(metadata)
    return message.SerializeToString()


@asynccontextmanager
async def raging(address: str, kinds: Sequence[str] = tuple(KINDS)) -> AsyncIterator[asyncio.StreamReader]:
    """All of that for as long as the block lasts; yields the kinds of the attempts, line by line."""
    arguments = (sys.executable, "-m", "tests.support.garbage", address, *kinds)
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*arguments, stdout=pipe, stderr=asyncio.subprocess.DEVNULL)
    try:
        assert child.stdout is not None
        yield child.stdout
    finally:
        child.kill()
        await child.wait()


async def attempts(told: asyncio.StreamReader, number: int) -> None:
    """Wait until each kind was tried so often."""
    left = dict.fromkeys(KINDS, number)
    while any(count > 0 for count in left.values()):
        line = (await told.readline()).decode().strip()
        assert line, "the garbage has stopped"
        left[line] -= 1


async def _rage(address: str, kind: str, seed: int) -> None:
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1))
    while True:
        seed += _MANY
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(METHOD)()
            try:
                async with asyncio.timeout(_WAIT_S):
                    for data in KINDS[kind](seed):
                        await call.write(data)
                    await call.code()
            except (TimeoutError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
                call.cancel()
        print(kind, flush=True)


async def main(address: str, kinds: Sequence[str]) -> None:
    """Rage."""
    await asyncio.gather(*(_rage(address, kind, seed) for kind in kinds for seed in range(_MANY)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))

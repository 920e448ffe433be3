"""A whole fleet reconnects at once: how long until all are synced, and what it costs a push to another node.

`python bench/reconnect.py [NODES]` starts a server in this process and the nodes in another one: fake ones,
each with a connection of its own, that open a refused stream again with Envoy's back-off. It runs with the
limits as they are, without a limit of new streams, and with istiod's rate and patience; decision 0010 has the
figures.
"""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import grpc
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse

from meshctl.fleet.fleet import Fleet
from meshctl.fleet.node import Node
from meshctl.fleet.tally import Version
from meshctl.names import CLUSTER, ENDPOINTS, ResourceKey
from meshctl.snapshot import Resource, Snapshot, View, ViewSnapshot
from meshctl.snapshot.encode import assemble
from meshctl.xds.limits import LIMITS, Limits
from meshctl.xds.ordering import NeedsOrder
from meshctl.xds.server import AdsServer, options

Call = grpc.aio.StreamStreamCall[bytes, bytes]

CLUSTERS, BYTES = 200, 400
METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # as `meshctl bootstrap` writes them
BEAT = 0.05  # between two pushes to the node that was there before


class Everybody:
    """One view for all nodes; `publish` changes one resource of it, and wakes who was there before."""

    def __init__(self) -> None:
        self._snapshot = Snapshot()
        self._keys = {one.ref: one.key for one in _resources(0)}
        resources = {one.key: one for one in _resources(0)}
        self._snapshot = self._snapshot.publish(resources, {"all": View("all", self._keys, {})})
        self._current = self._snapshot.view("all")
        self._wakes: list[Callable[[], None]] = []

    @property
    def provisional(self) -> bool:
        """Never."""
        return False

    def open(self, node: Node, wake: Callable[[], None]) -> "Everybody":
        """One place for all."""
        if node.id == "first":
            self._wakes.append(wake)
        return self

    def view(self) -> ViewSnapshot | None:
        """As it was published last: the same object until it changes."""
        return self._current

    @property
    def has_turn(self) -> bool:
        """Nothing is refused, and nobody looks for who was."""
        return False

    def is_found(self, version: Version) -> bool:
        """Nothing is."""
        return False

    def tell(self, refused: frozenset[Version], *, in_doubt: bool) -> None:
        """Nothing follows."""

    def close(self) -> None:
        """Nothing is kept."""

    def publish(self, generation: int) -> None:
        """Other endpoints for the first cluster."""
        changed = _resource(ENDPOINTS, 0, generation)
        self._snapshot = self._snapshot.publish({changed.key: changed}, {})
        self._current = self._snapshot.view("all")
        for wake in self._wakes:
            wake()


def _resources(generation: int) -> list[Resource]:
    return [_resource(url, n, generation) for url in (CLUSTER, ENDPOINTS) for n in range(CLUSTERS)]


def _resource(url: str, number: int, generation: int) -> Resource:
    key = ResourceKey(ENDPOINTS if url == ENDPOINTS else CLUSTER, f"service-{number}/v1")
    return assemble(key, f"{generation:>{BYTES}}".encode())


async def node(address: str, name: str) -> int:
    """Connect, take everything, acknowledge it; returns how often the stream was refused."""
    local = (("grpc.use_local_subchannel_pool", 1),)
    refusals, pause = 0, FIRST_PAUSE
    async with grpc.aio.insecure_channel(address, options=local) as channel:
        while True:
            call: Call = channel.stream_stream(METHOD)()
            try:
                await _sync(call, name)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                refusals += 1
                await asyncio.sleep(random.uniform(0, pause))
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                _say(name)
                await asyncio.Event().wait()


async def _sync(call: Call, name: str) -> None:
    names = [f"service-{number}/v1" for number in range(CLUSTERS)]
    first = DeltaDiscoveryRequest(type_url=CLUSTER)
    first.node.id = first.node.cluster = name
    second = DeltaDiscoveryRequest(type_url=ENDPOINTS, resource_names_subscribe=names)
    for request in (first, second):
        await call.write(request.SerializeToString())
    got: set[tuple[str, str]] = set()
    while len(got) < 2 * CLUSTERS:
        answer = await _read(call)
        got |= {(answer.type_url, one.name) for one in answer.resources}
        await call.write(_ack(answer))


async def _read(call: Call) -> DeltaDiscoveryResponse:
    data = await call.read()
    if not isinstance(data, bytes):
        raise grpc.aio.AioRpcError(await call.code(), grpc.aio.Metadata(), grpc.aio.Metadata())
    return DeltaDiscoveryResponse.FromString(data)


def _ack(answer: DeltaDiscoveryResponse) -> bytes:
    return DeltaDiscoveryRequest(type_url=answer.type_url, response_nonce=answer.nonce).SerializeToString()


def _say(word: str) -> None:
    print(word, flush=True)


async def herd(address: str, nodes: int) -> None:
    """All nodes at once; a line on stdout when they begin, and for each that is synced."""
    _say("begin")
    await asyncio.gather(*(node(address, f"node-{number}") for number in range(nodes)))


@asynccontextmanager
async def serving(views: Everybody, limits: Limits, refused: list[str]) -> AsyncIterator[str]:
    """The server; its address."""
    ads = AdsServer(
        views,
        Fleet(),
        ordering=NeedsOrder(),
        identifier="bench",
        limits=limits,
        refused=lambda cause: refused.append(cause.value),
    )
    server = grpc.aio.server(options=options(limits))
    ads.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def pushes(views: Everybody, address: str, took: list[float]) -> None:
    """A node that was there before: how long each push takes to reach it, again and again."""
    loop = asyncio.get_running_loop()
    async with grpc.aio.insecure_channel(address) as channel:
        call: Call = channel.stream_stream(METHOD)()
        await _sync(call, "first")
        for generation in range(1, 1_000_000):
            began = loop.time()
            views.publish(generation)
            answer = await _read(call)
            took.append(loop.time() - began)
            await call.write(_ack(answer))
            await asyncio.sleep(BEAT)


async def once(words: str, nodes: int, limits: Limits) -> None:
    """Print one run."""
    views, refused, took = Everybody(), list[str](), list[float]()
    async with serving(views, limits, refused) as address:
        pushing = asyncio.create_task(pushes(views, address, took))
        while len(took) < 20:  # noqa: ASYNC110 - a benchmark warms up
            await asyncio.sleep(BEAT)
        quiet = sorted(took)[len(took) // 2]
        took.clear()
        loop = asyncio.get_running_loop()
        arguments = (sys.executable, __file__, "--herd", address, str(nodes))
        child = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
        assert child.stdout is not None
        await child.stdout.readline()
        began, worked, times = loop.time(), time.process_time(), list[float]()
        while len(times) < nodes and await child.stdout.readline():
            times.append(loop.time() - began)
        worked = time.process_time() - worked
        child.kill()
        await child.wait()
        pushing.cancel()
        await asyncio.wait([pushing])
    took.sort()
    half, last = times[len(times) // 2], times[-1]
    print(
        f"{words:<22} {nodes} nodes: half synced after {half:.1f} s, all after {last:.1f} s "
        f"({worked / nodes * 1e3:.1f} ms of CPU each); "
        f"refused {len(refused)}; a push meanwhile takes {took[len(took) // 2] / quiet:.0f} times as long "
        f"as before (p50), {took[-1] / quiet:.0f} times at most ({took[-1] * 1e3:.0f} ms)"
    )


def main() -> None:
    """Both runs, side by side."""
    if sys.argv[1:2] == ["--herd"]:
        asyncio.run(herd(sys.argv[2], int(sys.argv[3])))
        return
    nodes = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    asyncio.run(once("as it is", nodes, LIMITS))
    unlimited = replace(LIMITS, new_streams=1e9, burst=1_000_000)
    asyncio.run(once("without a rate", nodes, unlimited))
    asyncio.run(once("25 a second (istiod)", nodes, replace(LIMITS, new_streams=25.0, burst=1, patience=1.0)))


if __name__ == "__main__":
    main()

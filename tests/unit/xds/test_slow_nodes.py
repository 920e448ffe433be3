"""Nodes that read slowly or not at all: what waits for them is bounded, and they delay nobody."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import grpc
import pytest
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse

from meshctl.fleet.fleet import Fleet, NodeState
from meshctl.names import CLUSTER, ResourceKey
from meshctl.snapshot import Resource
from meshctl.snapshot.encode import assemble
from meshctl.xds.limits import LIMITS, Limits, Overstepped, StreamEnd
from meshctl.xds.ordering import NeedsOrder
from meshctl.xds.server import AdsServer, options
from meshctl.xds.session import DELTA, Host, Session
from tests.support.views import Views
from tests.support.waiting import eventually

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
BODY = 150_000  # more than gRPC takes for a call that nobody reads (64 kB)
NODES, SLOW, PUSHES = 200, 10, 3

Call = grpc.aio.StreamStreamCall[bytes, bytes]


def large(generation: int) -> Resource:
    return assemble(ResourceKey(CLUSTER, "a/v1"), f"{generation:>{BODY}}".encode())


def publish(views: Views, generation: int) -> None:
    views.put(large(generation))


def request(node_id: str = "", nonce: str = "") -> bytes:
    message = DeltaDiscoveryRequest(type_url=CLUSTER, response_nonce=nonce)
    if node_id:
        message.node.id = message.node.cluster = node_id
    return message.SerializeToString()


class Blind:
    """A client that accepts whatever may come, without having read it; `session` is its stream."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.views, self.fleet = Views(), Fleet()
        self.session = Session(DELTA, Host(self.views, self.fleet, NeedsOrder(), "test", limits))
        self._said: asyncio.Queue[bytes] = asyncio.Queue()

    async def requests(self) -> AsyncIterator[bytes]:
        yield request("slow")
        while True:
            yield await self._said.get()

    async def accept(self, pushes: int) -> None:
        """So many pushes, each of them accepted."""
        for number in range(1, pushes + 1):
            publish(self.views, number)
            self._said.put_nowait(request(nonce=str(number)))
            for _ in range(10):  # turns of the loop: whatever can go on does
                await asyncio.sleep(0)


class Pipe:
    """Takes an answer when told to; `begun` are all that were handed over, `left` those that it took."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.left: list[bytes] = []
        self.open = asyncio.Event()

    async def write(self, data: bytes) -> None:
        self.begun.append(data)
        await self.open.wait()
        self.left.append(data)

    async def take(self, data: bytes) -> None:
        """Without back-pressure: it is kept for later."""
        self.begun.append(data)


def generations(answers: list[bytes]) -> list[int]:
    return [int(DeltaDiscoveryResponse.FromString(one).resources[0].resource.value) for one in answers]


async def test_one_answer_waits_for_a_client_that_does_not_read_and_then_comes_the_newest() -> None:
    client, pipe = Blind(), Pipe()
    publish(client.views, 0)
    running = asyncio.create_task(client.session.run(client.requests(), pipe.write))
    await eventually(lambda: _begun(pipe), "an answer")
    await client.accept(20)
    assert generations(pipe.begun) == [0]
    pipe.open.set()

    async def second() -> bool:
        return len(pipe.begun) > 1

    await eventually(second, "another answer")
    assert generations(pipe.begun) == [0, 20]
    client.session.close()
    await running


async def test_control_without_back_pressure_every_answer_would_wait_in_memory() -> None:
    client, pipe = Blind(), Pipe()
    publish(client.views, 0)
    running = asyncio.create_task(client.session.run(client.requests(), pipe.take))
    await eventually(lambda: _begun(pipe), "an answer")
    await client.accept(20)
    assert len(generations(pipe.begun)) > 10
    client.session.close()
    await running


async def test_a_stream_whose_answer_cannot_be_written_is_cut() -> None:
    client, pipe = Blind(replace(LIMITS, write=0.01)), Pipe()
    publish(client.views, 0)
    with pytest.raises(Overstepped, match=r"could not be written for 0.01 s"):
        await client.session.run(client.requests(), pipe.write)
    assert client.views.seats == []


async def test_an_answer_that_is_about_to_leave_does_so_before_its_stream_ends() -> None:
    client, pipe = Blind(), Pipe()
    publish(client.views, 0)
    running = asyncio.create_task(client.session.run(client.requests(), pipe.write))
    await eventually(lambda: _begun(pipe), "an answer")
    client.session.close()
    pipe.open.set()
    await running
    assert pipe.left == pipe.begun


async def test_a_stream_whose_client_does_not_read_ends_soon_when_the_server_stops() -> None:
    client, pipe = Blind(), Pipe()
    publish(client.views, 0)
    running = asyncio.create_task(client.session.run(client.requests(), pipe.write))
    await eventually(lambda: _begun(pipe), "an answer waits")
    client.session.close()
    async with asyncio.timeout(LIMITS.write / 2):
        await running


async def _begun(pipe: Pipe) -> bool:
    return bool(pipe.begun)


@pytest.mark.parametrize(
    ("limits", "cut"),
    # A node that reads has each push within half a second.
    [(replace(LIMITS, write=6.0), SLOW), (replace(LIMITS, write=1e6), 0)],
    ids=["cut", "control: never cut"],
)
async def test_ten_nodes_of_two_hundred_that_do_not_read_delay_nobody_and_are_let_go(
    limits: Limits, cut: int
) -> None:
    views, fleet, refused = Views(), Fleet(), list[StreamEnd]()
    ads = AdsServer(
        views, fleet, ordering=NeedsOrder(), identifier="test", limits=limits, refused=refused.append
    )
    server = grpc.aio.server(options=options(limits))
    ads.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    publish(views, 0)
    local = (("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0))
    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=local) for _ in range(NODES)]
    calls: list[Call] = [channel.stream_stream(METHOD)() for channel in channels]
    try:
        for number, call in enumerate(calls):
            await call.write(request(f"node-{number}"))
        for generation in range(PUSHES):
            if generation:
                publish(views, generation)
            await asyncio.gather(*(_reaches(call, generation) for call in calls[SLOW:]))
        await eventually(lambda: _are(views, NODES - cut), "the slow ones are let go")
        await eventually(lambda: _synced(fleet, NODES - SLOW), "the others are synced")
        assert refused == [StreamEnd.SLOW] * cut
    finally:
        for call in calls:
            call.cancel()
        await server.stop(None)
        for channel in channels:
            await channel.close()


async def _reaches(call: Call, generation: int) -> None:
    """The push of this generation reaches a node that reads, and is accepted."""
    data = await call.read()
    assert isinstance(data, bytes), await call.details()
    answer = DeltaDiscoveryResponse.FromString(data)
    assert generations([data]) == [generation]
    await call.write(request(nonce=answer.nonce))


async def _are(views: Views, seats: int) -> bool:
    return len(views.seats) == seats


async def _synced(fleet: Fleet, nodes: int) -> bool:
    states = [one.state for one in fleet.nodes(asyncio.get_running_loop().time()) if one.connected]
    return states.count(NodeState.SYNCED) == nodes

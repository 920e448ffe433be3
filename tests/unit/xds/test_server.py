"""The gRPC shell, with real streams on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc
import pytest
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)

from meshctl.fleet.fleet import Fleet, NodeState
from meshctl.fleet.node import Node
from meshctl.names import CLUSTER, LISTENER, Role
from meshctl.snapshot import ViewSnapshot
from meshctl.verify.polling import until
from meshctl.xds import session
from meshctl.xds.ordering import NeedsOrder
from meshctl.xds.server import OPTIONS, AdsServer
from meshctl.xds.session import NotLoadedError
from tests.support.xds_world import Published, cluster

DELTA = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
SOTW = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"

Call = grpc.aio.StreamStreamCall[bytes, bytes]


class Seat:
    """A place that shows whatever is published."""

    def __init__(self, views: "Views", wake: Callable[[], None]) -> None:
        self._views, self.wake = views, wake

    @property
    def provisional(self) -> bool:
        return self._views.provisional

    def view(self) -> ViewSnapshot | None:
        return self._views.current

    def close(self) -> None:
        self._views.seats.remove(self)


class Views:
    """One view for everybody."""

    def __init__(self) -> None:
        self.world, self.seats, self.nodes = Published(), list[Seat](), list[Node]()
        self.loaded, self.provisional = True, False
        self.current: ViewSnapshot | None = None  # the same object until it changes
        self.opened = asyncio.Event()

    def open(self, node: Node, wake: Callable[[], None]) -> Seat:
        if not self.loaded:
            raise NotLoadedError
        self.nodes.append(node)
        self.seats.append(Seat(self, wake))
        self.opened.set()
        return self.seats[-1]

    def publish(self, generation: int) -> None:
        self.current = self.world.publish([cluster("a/v1", generation)])
        for seat in self.seats:
            seat.wake()


class Running:
    """A server and a way to call it."""

    def __init__(self, channel: grpc.aio.Channel, views: Views, fleet: Fleet, ads: AdsServer) -> None:
        self.views, self.fleet, self.ads = views, fleet, ads
        self._channel = channel

    def call(self, method: str) -> Call:
        return self._channel.stream_stream(method)()

    def state(self) -> list[NodeState]:
        return [one.state for one in self.fleet.nodes(asyncio.get_running_loop().time())]


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    views, fleet = Views(), Fleet()
    ads = AdsServer(views, fleet, ordering=NeedsOrder(), identifier="meshctl/test")
    server = grpc.aio.server(options=OPTIONS)
    ads.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Running(channel, views, fleet, ads)
    finally:
        await server.stop(None)


def delta_request(type_url: str = CLUSTER, *, node: bool = True, nonce: str = "") -> DeltaDiscoveryRequest:
    message = DeltaDiscoveryRequest(type_url=type_url, response_nonce=nonce)
    if node:
        message.node.id, message.node.cluster = "web@host", "web"
        message.node.metadata.update(
            {"role": "sidecar", "services": ["web", "sync"], "egress": "127.0.0.1:1"}
        )
        message.node.user_agent_name = "envoy"
        message.node.user_agent_build_version.version.major_number = 1
        message.node.user_agent_build_version.version.minor_number = 40
    return message


def named(node_id: str) -> DeltaDiscoveryRequest:
    message = delta_request()
    message.node.id = node_id
    return message


async def answer(call: Call) -> DeltaDiscoveryResponse:
    data = await call.read()
    assert isinstance(data, bytes), await call.details()
    return DeltaDiscoveryResponse.FromString(data)


async def test_a_delta_client_is_answered_and_told_of_changes() -> None:
    async with running() as server:
        server.views.publish(1)
        call = server.call(DELTA)
        await call.write(delta_request().SerializeToString())
        first = await answer(call)
        assert [one.name for one in first.resources] == ["a/v1"]
        assert first.control_plane.identifier == "meshctl/test"
        await call.write(delta_request(node=False, nonce=first.nonce).SerializeToString())
        server.views.publish(2)
        second = await answer(call)
        assert second.resources[0].resource.value == cluster("a/v1", 2).body
        call.cancel()


async def test_a_state_of_the_world_client_is_answered() -> None:
    async with running() as server:
        server.views.publish(1)
        call = server.call(SOTW)
        message = DiscoveryRequest(type_url=CLUSTER)
        message.node.id, message.node.cluster = "web@host", "web"
        await call.write(message.SerializeToString())
        data = await call.read()
        assert isinstance(data, bytes)
        assert [one.value for one in DiscoveryResponse.FromString(data).resources] == [
            cluster("a/v1", 1).body
        ]
        call.cancel()


async def test_a_node_is_who_it_says_it_is() -> None:
    async with running() as server:
        server.views.publish(1)
        call = server.call(DELTA)
        await call.write(delta_request().SerializeToString())
        await answer(call)
        [node] = server.views.nodes
        assert (node.role, node.services, node.client) == (Role.SIDECAR, ("sync", "web"), "1.40")
        assert node.view == "sidecar/sync+web@1.40@127.0.0.1:1"
        assert server.state() == [NodeState.SENDING]
        call.cancel()


async def test_a_node_without_a_view_waits_and_is_called_unknown() -> None:
    async with running() as server:
        call = server.call(DELTA)
        await call.write(delta_request().SerializeToString())
        await server.views.opened.wait()
        assert server.state() == [NodeState.UNKNOWN]
        server.views.publish(1)
        assert (await answer(call)).resources
        call.cancel()


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (delta_request(node=False), grpc.StatusCode.INVALID_ARGUMENT),
        (delta_request(""), grpc.StatusCode.INVALID_ARGUMENT),
        (named("web@a\nweb@b"), grpc.StatusCode.INVALID_ARGUMENT),
        (named("w" * 257), grpc.StatusCode.INVALID_ARGUMENT),
    ],
    ids=["no node", "no type", "id of two lines", "id too long"],
)
async def test_a_malformed_first_request_ends_the_stream(
    message: DeltaDiscoveryRequest, code: grpc.StatusCode
) -> None:
    async with running() as server:
        server.views.publish(1)
        call = server.call(DELTA)
        await call.write(message.SerializeToString())
        assert await call.code() is code


async def test_bytes_that_are_no_request_end_the_stream() -> None:
    async with running() as server:
        call = server.call(DELTA)
        await call.write(b"\xff\xff\xff")
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_nothing_is_answered_before_anything_is_loaded() -> None:
    async with running() as server:
        server.views.loaded = False
        call = server.call(DELTA)
        await call.write(delta_request().SerializeToString())
        assert await call.code() is grpc.StatusCode.UNAVAILABLE


async def test_an_older_state_goes_only_to_who_holds_nothing() -> None:
    async with running() as server:
        server.views.publish(1)
        server.views.provisional = True
        call = server.call(DELTA)
        await call.write(delta_request().SerializeToString())
        await answer(call)
        holding = delta_request(LISTENER, node=False)
        holding.initial_resource_versions["egress/web"] = "1"
        await call.write(holding.SerializeToString())
        assert await call.code() is grpc.StatusCode.UNAVAILABLE


async def test_draining_ends_streams_and_takes_no_more() -> None:
    async with running() as server:
        server.views.publish(1)
        call = server.call(DELTA)
        await call.write(delta_request().SerializeToString())
        await answer(call)
        await server.ads.drain()
        assert await call.code() is grpc.StatusCode.OK
        assert server.views.seats == []
        late = server.call(DELTA)
        assert await late.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_stream_that_fails_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as server:
        server.views.publish(1)
        good = server.call(DELTA)
        await good.write(delta_request().SerializeToString())
        first = await answer(good)
        bad = server.call(DELTA)
        await bad.write(delta_request().SerializeToString())
        await answer(bad)
        server.views.seats[1].view = lambda: 1 / 0  # type: ignore[method-assign, assignment, return-value]
        server.views.seats[1].wake()
        assert await bad.code() is grpc.StatusCode.INTERNAL
        assert "ZeroDivisionError" in caplog.text
        await good.write(delta_request(node=False, nonce=first.nonce).SerializeToString())
        server.views.publish(2)
        assert (await answer(good)).resources
        good.cancel()


async def test_being_woken_without_a_change_does_not_age_the_next_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, ahead = asyncio.get_running_loop(), [0.0]
    monkeypatch.setattr(session, "_now", lambda: loop.time() + ahead[0])

    def took() -> float | None:
        [node] = server.fleet.nodes(loop.time())
        return node.types[0].took

    async def told() -> bool:
        return took() is not None

    async with running() as server:
        server.views.publish(0)
        call = server.call(DELTA)
        await call.write(delta_request().SerializeToString())
        first = await answer(call)
        await call.write(delta_request(nonce=first.nonce).SerializeToString())
        server.views.seats[0].wake()
        await call.write(delta_request(LISTENER).SerializeToString())
        await call.read()  # it has had its turn
        ahead[0] = 1000.0
        server.views.publish(1)
        second = await answer(call)
        await call.write(delta_request(nonce=second.nonce).SerializeToString())
        await until(told)
        assert took() is not None
        assert (took() or 0.0) < 500
        call.cancel()

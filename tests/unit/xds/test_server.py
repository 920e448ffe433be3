"""The gRPC shell, with real streams on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import grpc
import pytest
from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)

from meshctl.fleet.fleet import Fleet, NodeState
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, Role
from meshctl.verify.polling import until
from meshctl.xds import session
from meshctl.xds.limits import LIMITS, Limits, StreamEnd
from meshctl.xds.ordering import NeedsOrder
from meshctl.xds.server import AdsServer, options
from tests.support.views import Views
from tests.support.waiting import eventually
from tests.support.xds_world import cluster

DELTA = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
SOTW = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"

Call = grpc.aio.StreamStreamCall[bytes, bytes]


class Running:
    """A server and a way to call it."""

    def __init__(
        self, channel: grpc.aio.Channel, views: Views, fleet: Fleet, ads: AdsServer, refused: list[StreamEnd]
    ) -> None:
        self.views, self.fleet, self.ads, self.refused = views, fleet, ads, refused
        self._channel = channel

    def call(self, method: str) -> Call:
        return self._channel.stream_stream(method)()

    async def join(self) -> tuple[Call, DeltaDiscoveryResponse]:
        """A stream of a node, and the first answer on it."""
        call = self.call(DELTA)
        await call.write(delta_request().SerializeToString())
        return call, await answer(call)

    def state(self) -> list[NodeState]:
        return [one.state for one in self.fleet.nodes(asyncio.get_running_loop().time())]


@asynccontextmanager
async def running(limits: Limits = LIMITS) -> AsyncIterator[Running]:
    views, fleet, refused = Views(), Fleet(), list[StreamEnd]()
    ads = AdsServer(
        views,
        fleet,
        ordering=NeedsOrder(),
        identifier="meshctl/test",
        limits=limits,
        refused=refused.append,
    )
    server = grpc.aio.server(options=options(limits))
    ads.add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Running(channel, views, fleet, ads, refused)
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
        call, first = await server.join()
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
        call, _ = await server.join()
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


def with_metadata(**fields: str | list[str]) -> DeltaDiscoveryRequest:
    message = delta_request()
    message.node.metadata.update(fields)
    return message


def with_release(minor: int) -> DeltaDiscoveryRequest:
    message = delta_request()
    message.node.user_agent_build_version.version.minor_number = minor
    return message


def asking(*names: str, node: bool = True) -> DeltaDiscoveryRequest:
    message = delta_request(ENDPOINTS, node=node)
    message.resource_names_subscribe.extend(names)
    return message


INVALID, EXHAUSTED = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("message", "code", "cause"),
    [
        (delta_request(node=False), INVALID, StreamEnd.MALFORMED),
        (delta_request(""), INVALID, StreamEnd.MALFORMED),
        (named("web@a\nweb@b"), INVALID, StreamEnd.MALFORMED),
        (named("w" * 257), INVALID, StreamEnd.MALFORMED),
        (named("é" * 129), INVALID, StreamEnd.MALFORMED),
        (with_metadata(role="router"), INVALID, StreamEnd.MALFORMED),
        (with_metadata(services=[f"s{number}" for number in range(65)]), INVALID, StreamEnd.MALFORMED),
        (with_metadata(egress="x" * 257), INVALID, StreamEnd.MALFORMED),
        (with_metadata(more="x" * 70_000), INVALID, StreamEnd.NODE_SIZE),
        (with_release(1_000), INVALID, StreamEnd.MALFORMED),
        (asking("x" * 1_025), EXHAUSTED, StreamEnd.NAMES),
        (asking(*map(str, range(100_001))), EXHAUSTED, StreamEnd.NAMES),
        (asking("x" * (4 << 20), node=False), EXHAUSTED, StreamEnd.MESSAGE_SIZE),
    ],
    ids=[
        "no node",
        "no type",
        "id of two lines",
        "id too long",
        "id too long in bytes",
        "no such role",
        "65 services",
        "no address",
        "70 kB of metadata",
        "no such release",
        "long name",
        "many names",
        "4 MiB of a stranger",
    ],
)
async def test_a_first_request_beyond_what_a_node_says_ends_the_stream(
    message: DeltaDiscoveryRequest, code: grpc.StatusCode, cause: StreamEnd
) -> None:
    async with running() as server:
        server.views.publish(1)
        call = server.call(DELTA)
        await call.write(message.SerializeToString())
        assert await call.code() is code
        assert server.refused == [cause]
        assert server.views.seats == []


async def test_what_a_refused_node_said_of_its_role_is_not_repeated_at_length() -> None:
    async with running() as server:
        server.views.publish(1)
        call = server.call(DELTA)
        await call.write(with_metadata(role="x" * 2_000).SerializeToString())
        assert 0 < len(await call.details() or "") < 200


def with_state(resources: int) -> bytes:
    """The first request of a node that comes back with so many clusters."""
    message = delta_request()
    for number in range(resources):
        message.initial_resource_versions[
            f"payments-gateway-adapter-{number:06}-eu-central-1-production/v1"
        ] = "a" * 16
    return message.SerializeToString()


async def test_a_node_with_60_000_resources_comes_back_while_strangers_send_as_much() -> None:
    async with running() as server:
        server.views.publish(1)
        state, rubbish = with_state(60_000), asking("x" * (4 << 20), node=False).SerializeToString()
        assert len(state) > LIMITS.first_message
        strangers = [server.call(DELTA) for _ in range(20)]
        call = server.call(DELTA)
        await asyncio.gather(*(one.write(rubbish) for one in strangers[:10]))
        await call.write(state)
        await asyncio.gather(*(one.write(rubbish) for one in strangers[10:]))
        assert (await answer(call)).resources
        assert [await one.code() for one in strangers] == [EXHAUSTED] * 20
        assert server.refused == [StreamEnd.MESSAGE_SIZE] * 20
        assert [node.id for node in server.ads.nodes()] == ["web@host"]
        call.cancel()


async def test_names_are_counted_over_all_requests_of_a_stream() -> None:
    async with running(replace(LIMITS, names=3)) as server:
        server.views.publish(1)
        call = server.call(DELTA)
        for request in (asking("a", "b"), asking("c", node=False), asking("d", node=False)):
            await call.write(request.SerializeToString())
        assert await call.code() is EXHAUSTED
        assert await call.details() == "4 names asked for; 3 are the most on one stream"


async def test_types_that_nobody_serves_are_not_answered_and_disturb_nothing() -> None:
    async with running() as server:
        server.views.publish(1)
        call = server.call(DELTA)
        await call.write(delta_request("type.googleapis.com/no.such.Type").SerializeToString())
        for number in range(100):
            await call.write(delta_request(f"made.up/{number}", node=False).SerializeToString())
        await call.write(delta_request(node=False).SerializeToString())
        assert (await answer(call)).type_url == CLUSTER
        call.cancel()


async def test_another_node_in_a_later_request_changes_nothing() -> None:
    async with running() as server:
        server.views.publish(1)
        call, first = await server.join()
        other = named("sync@host")
        other.response_nonce = first.nonce
        await call.write(other.SerializeToString())
        server.views.publish(2)
        assert (await answer(call)).resources
        assert [node.id for node in server.views.nodes] == ["web@host"]
        call.cancel()


async def test_who_opens_a_stream_and_says_nothing_is_let_go() -> None:
    async with running(replace(LIMITS, first_request=0.05)) as server:
        silent = server.call(DELTA)
        assert await silent.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert server.refused == [StreamEnd.SILENT]


async def test_there_are_no_more_streams_than_the_limit_and_a_place_is_free_again() -> None:
    async with running(replace(LIMITS, streams=1)) as server:
        server.views.publish(1)
        first, _ = await server.join()
        second = server.call(DELTA)
        assert await second.code() is EXHAUSTED
        assert "1 streams are open, which are the most" in (await second.details() or "")
        first.cancel()

        async def free() -> bool:
            third = server.call(DELTA)
            try:
                await third.write(delta_request().SerializeToString())
                return isinstance(await third.read(), bytes)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):  # not yet; perhaps before it has asked
                return False
            finally:
                third.cancel()

        await eventually(free, "a stream has the place of the one that left")


async def test_new_streams_wait_for_their_turn_and_are_told_when_it_does_not_come() -> None:
    async with running(replace(LIMITS, new_streams=0.001, burst=1, patience=0.05)) as server:
        server.views.publish(1)
        _first, _ = await server.join()
        second = server.call(DELTA)
        assert await second.code() is EXHAUSTED
        assert "try again, or elsewhere" in (await second.details() or "")


async def test_a_third_stream_of_an_envoy_ends_its_first_one() -> None:
    async with running() as server:
        server.views.publish(1)
        calls = [(await server.join())[0] for _ in range(3)]
        assert await calls[0].code() is grpc.StatusCode.ABORTED
        assert "is its id used twice?" in (await calls[0].details() or "")
        assert [call.done() for call in calls[1:]] == [False, False]
        calls[1].cancel()
        calls[2].cancel()


async def test_a_client_that_sends_rubbish_again_and_again_writes_one_line_and_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as server:
        for _ in range(20):
            call = server.call(DELTA)
            await call.write(b"\xff\xff\xff")
            assert await call.code() is INVALID
        assert server.refused == [StreamEnd.MALFORMED] * 20
        [line] = [one for one in caplog.messages if "stream refused" in one]
        assert "cause=malformed" in line
        server.ads.tell_rest()
        assert caplog.messages[-1] == "more streams refused: cause=malformed number=19"


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
        call, _ = await server.join()
        holding = delta_request(LISTENER, node=False)
        holding.initial_resource_versions["egress/web"] = "1"
        await call.write(holding.SerializeToString())
        assert await call.code() is grpc.StatusCode.UNAVAILABLE


async def test_draining_ends_streams_and_takes_no_more() -> None:
    async with running() as server:
        server.views.publish(1)
        call, _ = await server.join()
        await server.ads.drain()
        assert await call.code() is grpc.StatusCode.OK
        assert server.views.seats == []
        late = server.call(DELTA)
        assert await late.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_stream_that_fails_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as server:
        server.views.publish(1)
        good, first = await server.join()
        bad, _ = await server.join()
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
        call, first = await server.join()
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

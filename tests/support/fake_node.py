"""A node without an Envoy, over real gRPC by delta: it takes what it is given, or leaves it unanswered."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import grpc
from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse

from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, TypeUrl

DELTA = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"

_FOLLOWING = {CLUSTER: ENDPOINTS, LISTENER: ROUTES}
"""What is asked for by the same names: endpoints of clusters, and routes of listeners."""

Call: TypeAlias = grpc.aio.StreamStreamCall[bytes, bytes]


class FakeNode:
    """A sidecar of `web`. `versions` by type and name are those that it has accepted."""

    def __init__(self, node_id: str) -> None:
        """Answers everything until it is muted."""
        self.versions: dict[tuple[TypeUrl, str], str] = {}
        self._id = node_id
        self._heard = asyncio.Event()
        self._heard.set()

    def mute(self) -> None:
        """From now on answers are read, and left unanswered."""
        self._heard.clear()

    def speak(self) -> None:
        """Answer all that was left, and what comes."""
        self._heard.set()

    async def run(self, call: Call) -> None:
        """Until cancelled."""
        for type_url in (CLUSTER, LISTENER):
            await self._ask(call, type_url, ["*"], first=type_url == CLUSTER)
        asked: dict[TypeUrl, set[str]] = {ENDPOINTS: set(), ROUTES: set()}
        while isinstance(data := await call.read(), bytes):
            answer = DeltaDiscoveryResponse.FromString(data)
            await self._heard.wait()
            type_url = TypeUrl(answer.type_url)
            for one in answer.resources:
                self.versions[type_url, one.name] = one.version
            for name in answer.removed_resources:
                self.versions.pop((type_url, name), None)
            said = DeltaDiscoveryRequest(type_url=type_url, response_nonce=answer.nonce)
            await call.write(said.SerializeToString())
            follows = _FOLLOWING.get(type_url)
            new = {one.name for one in answer.resources} - asked.get(follows or type_url, set())
            if follows and new:
                asked[follows] |= new
                await self._ask(call, follows, new)

    async def _ask(self, call: Call, type_url: TypeUrl, names: Iterable[str], *, first: bool = False) -> None:
        message = DeltaDiscoveryRequest(type_url=type_url, resource_names_subscribe=sorted(names))
        if first:
            message.node.id, message.node.cluster = self._id, "web"
            message.node.metadata.update({"role": "sidecar", "services": ["web"]})
            message.node.user_agent_name = "envoy"
            message.node.user_agent_build_version.version.major_number = 1
            message.node.user_agent_build_version.version.minor_number = 40
        await call.write(message.SerializeToString())


@asynccontextmanager
async def connected(address: str, node_ids: Iterable[str]) -> AsyncIterator[dict[str, FakeNode]]:
    """Nodes of these ids, each on a stream of its own."""
    nodes = {one: FakeNode(one) for one in node_ids}
    async with grpc.aio.insecure_channel(address) as channel:
        calls: list[Call] = [channel.stream_stream(DELTA)() for _ in nodes]
        tasks = [
            asyncio.create_task(node.run(call)) for node, call in zip(nodes.values(), calls, strict=True)
        ]
        try:
            yield nodes
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task

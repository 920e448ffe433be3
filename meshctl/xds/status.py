"""The client status discovery service (CSDS): what each connected node has, for tools of Envoy's API.

May import `fleet`, `names`, asyncio, grpc and protobuf. It shows nothing that a peer could not get by asking
for it as a node, so whoever reaches the address may ask; secrets, when they come, stay out of it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

import grpc
from envoy.admin.v3.config_dump_shared_pb2 import ClientResourceStatus, UpdateFailureState
from envoy.config.core.v3.base_pb2 import Node as NodeMessage
from envoy.service.status.v3.csds_pb2 import (
    ClientConfig,
    ClientStatusRequest,
    ClientStatusResponse,
    ConfigStatus,
)
from envoy.type.matcher.v3.node_pb2 import NodeMatcher
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.timestamp_pb2 import Timestamp

from meshctl.fleet.fleet import Refusal
from meshctl.fleet.node import Node
from meshctl.xds.inventory import Inventory, Item, Stand

LARGEST = 64 << 20
"""Bytes of one answer: more than a tool can use, and less than would hurt the server's memory."""

_OVERHEAD = 256  # bytes of a resource in an answer beside its name and its message

_Config = ClientConfig.GenericXdsConfig
_Context = grpc.aio.ServicerContext[ClientStatusRequest, ClientStatusResponse]

_CONFIG_STATUS: Mapping[Stand, ConfigStatus.ValueType] = MappingProxyType(
    {
        Stand.ACCEPTED: ConfigStatus.SYNCED,
        Stand.SENT: ConfigStatus.STALE,
        Stand.PENDING: ConfigStatus.NOT_SENT,
        Stand.WAITING: ConfigStatus.NOT_SENT,
        Stand.REFUSED: ConfigStatus.ERROR,
        Stand.LEAVING: ConfigStatus.NOT_SENT,  # what is not sent yet is that it goes
    }
)


class Streams(Protocol):
    """Where the connected nodes are known."""

    def nodes(self) -> Iterator[Node]:
        """The nodes of all streams."""

    def inventory(self, node_id: str) -> Inventory | None:
        """What a connected node has and shall have."""


_SERVICE = "envoy.service.status.v3.ClientStatusDiscoveryService"


def add_status(server: grpc.aio.Server, streams: Streams) -> None:
    """Serve it on this server."""
    service = StatusService(streams)
    read, written = ClientStatusRequest.FromString, ClientStatusResponse.SerializeToString
    handlers = {
        "FetchClientStatus": grpc.unary_unary_rpc_method_handler(service.fetch, read, written),
        "StreamClientStatus": grpc.stream_stream_rpc_method_handler(service.stream, read, written),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))


class StatusService:
    """Answers from what the streams know now."""

    def __init__(self, streams: Streams, largest: int = LARGEST) -> None:
        self._streams, self._largest = streams, largest

    async def fetch(self, request: ClientStatusRequest, context: _Context) -> ClientStatusResponse:
        """The status of every node that one of the matchers names; of all, without a matcher."""
        try:
            wanted = tuple(_matcher(one) for one in request.node_matchers)
        except ValueError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        response, size, contents = ClientStatusResponse(), 0, not request.exclude_resource_contents
        for node_id in dict.fromkeys(node.id for node in self._streams.nodes()):
            matches = not wanted or any(test(node_id) for test in wanted)
            found = self._streams.inventory(node_id) if matches else None
            if found is None:
                continue
            size += _size(found, contents=contents)
            if size > self._largest:
                words = f"more than {self._largest} bytes; name fewer nodes, or exclude_resource_contents"
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, words)
            response.config.append(client_config(found, contents=contents))
            await asyncio.sleep(0)  # the streams' turn
        return response

    async def stream(
        self, requests: AsyncIterator[ClientStatusRequest], context: _Context
    ) -> AsyncIterator[ClientStatusResponse]:
        """The same for each request of a stream."""
        async for request in requests:
            yield await self.fetch(request, context)


def client_config(found: Inventory, *, contents: bool) -> ClientConfig:
    """One node, resource by resource; with `contents` the messages that it accepted."""
    node = NodeMessage(id=found.node.id, cluster=found.node.cluster)
    configs = [_config(item, contents=contents) for item in found.items]
    return ClientConfig(node=node, generic_xds_configs=configs)


def _config(item: Item, *, contents: bool) -> _Config:
    config = _Config(
        type_url=item.ref.type,
        name=item.ref.name,
        config_status=_CONFIG_STATUS[item.stand],
        client_status=_client_status(item),
    )
    if item.accepted is not None:
        config.version_info = item.accepted.version
        if contents:
            config.xds_config.CopyFrom(AnyMessage(type_url=item.ref.type, value=item.accepted.body))
    if item.refusal is not None:
        config.error_state.CopyFrom(_failure(item.refusal))
    return config


def _client_status(item: Item) -> ClientResourceStatus.ValueType:
    """What the node said last of this name, as far as it was heard here."""
    if item.refusal is not None:
        return ClientResourceStatus.NACKED
    return ClientResourceStatus.REQUESTED if item.accepted is None else ClientResourceStatus.ACKED


def _failure(refusal: Refusal) -> UpdateFailureState:
    stamp = Timestamp()
    stamp.FromNanoseconds(time.time_ns() - round((asyncio.get_running_loop().time() - refusal.since) * 1e9))
    return UpdateFailureState(details=refusal.reason, version_info=refusal.version, last_update_attempt=stamp)


def _size(found: Inventory, *, contents: bool) -> int:
    bodies = (one.accepted.size for one in found.items if contents and one.accepted is not None)
    return sum(bodies) + sum(len(one.ref.name) + _OVERHEAD for one in found.items)


_Test = Callable[[str], bool]


def _matcher(matcher: NodeMatcher) -> _Test:
    """The test that a matcher makes of an id. Raises ValueError for what cannot be judged here."""
    if matcher.node_metadatas:
        raise ValueError("node_metadatas are not supported, as metadata is not kept; match by node_id")
    said = matcher.node_id
    kind = said.WhichOneof("match_pattern")
    test = _TESTS.get(kind or "")
    if kind is None or test is None:
        raise ValueError(f"node_id takes one of {', '.join(_TESTS)}, not {kind or 'nothing'}")
    pattern: str = getattr(said, kind)
    if said.ignore_case:
        return lambda node_id: test(node_id.lower(), pattern.lower())
    return lambda node_id: test(node_id, pattern)


_TESTS: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {
        "exact": str.__eq__,
        "prefix": str.startswith,
        "suffix": str.endswith,
        "contains": str.__contains__,
    }
)

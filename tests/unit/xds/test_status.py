"""CSDS: what a generic client is told of each node."""

from collections.abc import Iterator

import grpc
import pytest
from envoy.admin.v3.config_dump_shared_pb2 import ClientResourceStatus
from envoy.service.status.v3.csds_pb2 import ClientStatusRequest, ClientStatusResponse, ConfigStatus
from envoy.type.matcher.v3.node_pb2 import NodeMatcher
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from envoy.type.matcher.v3.struct_pb2 import StructMatcher

from meshctl.fleet.fleet import Refusal
from meshctl.fleet.node import Node
from meshctl.names import CLUSTER, Ref, Role
from meshctl.xds.inventory import Inventory, Item, Stand
from meshctl.xds.status import StatusService
from tests.support.xds_world import VIEW, cluster

OLD, NEW = cluster("a/v1"), cluster("a/v1", 1)
REF = Ref(CLUSTER, "a/v1")


def node(name: str) -> Node:
    return Node(name, Role.SIDECAR, ("web",), client="1.40")


class Streams:
    """Nodes that all have the same."""

    def __init__(self, *names: str, items: tuple[Item, ...] = (Item(REF, Stand.ACCEPTED, OLD, OLD),)) -> None:
        self._names, self._items = names, items

    def nodes(self) -> Iterator[Node]:
        return map(node, self._names)

    def inventory(self, node_id: str) -> Inventory | None:
        return Inventory(node(node_id), VIEW, 1, self._items)


class Context:
    """Notes how a call ended."""

    code: grpc.StatusCode | None = None
    words = ""

    async def abort(self, code: grpc.StatusCode, words: str) -> None:
        self.code, self.words = code, words
        raise grpc.aio.AbortError


async def asked(streams: Streams, *matchers: NodeMatcher, contents: bool = True) -> ClientStatusResponse:
    request = ClientStatusRequest(node_matchers=matchers, exclude_resource_contents=not contents)
    return await StatusService(streams).fetch(request, None)  # type: ignore[arg-type]


def by_id(**said: object) -> NodeMatcher:
    return NodeMatcher(node_id=StringMatcher(**said))  # type: ignore[arg-type]


def ids(response: ClientStatusResponse) -> list[str]:
    return [one.node.id for one in response.config]


async def test_without_a_matcher_every_node_is_told_once() -> None:
    assert ids(await asked(Streams("a", "b", "a"))) == ["a", "b"]


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        ([by_id(exact="web@1")], ["web@1"]),
        ([by_id(exact="web")], []),
        ([by_id(prefix="web@"), by_id(exact="edge@1")], ["web@1", "web@2", "edge@1"]),
        ([by_id(suffix="@1")], ["web@1", "edge@1"]),
        ([by_id(contains="EB", ignore_case=True)], ["web@1", "web@2"]),
    ],
)
async def test_nodes_are_chosen_by_any_of_the_matchers(
    matchers: list[NodeMatcher], expected: list[str]
) -> None:
    assert ids(await asked(Streams("web@1", "web@2", "edge@1"), *matchers)) == expected


@pytest.mark.parametrize(
    ("matcher", "words"),
    [
        (NodeMatcher(node_metadatas=[StructMatcher()]), "match by node_id"),
        (NodeMatcher(), "node_id takes one of exact, prefix, suffix, contains"),
        (by_id(safe_regex={"regex": ".*"}), "not safe_regex"),
    ],
)
async def test_what_cannot_be_matched_is_refused_and_not_ignored(matcher: NodeMatcher, words: str) -> None:
    context = Context()
    with pytest.raises(grpc.aio.AbortError):
        await StatusService(Streams("a")).fetch(ClientStatusRequest(node_matchers=[matcher]), context)  # type: ignore[arg-type]
    assert context.code is grpc.StatusCode.INVALID_ARGUMENT
    assert words in context.words


REFUSAL = Refusal(REF, NEW.version, "no good", 1.0)


@pytest.mark.parametrize(
    ("item", "config", "client", "version"),
    [
        (Item(REF, Stand.ACCEPTED, OLD, OLD), "SYNCED", "ACKED", OLD.version),
        (Item(REF, Stand.SENT, OLD, NEW), "STALE", "ACKED", OLD.version),
        (Item(REF, Stand.SENT, None, NEW), "STALE", "REQUESTED", ""),
        (Item(REF, Stand.PENDING, OLD, NEW), "NOT_SENT", "ACKED", OLD.version),
        (Item(REF, Stand.WAITING, None, NEW), "NOT_SENT", "REQUESTED", ""),
        (Item(REF, Stand.REFUSED, OLD, NEW, REFUSAL), "ERROR", "NACKED", OLD.version),
        (Item(REF, Stand.LEAVING, OLD, None), "NOT_SENT", "ACKED", OLD.version),
    ],
)
async def test_status_and_version_are_those_of_the_servers_view(
    item: Item, config: str, client: str, version: str
) -> None:
    [told] = (await asked(Streams("a", items=(item,)))).config[0].generic_xds_configs
    assert ConfigStatus.Name(told.config_status) == config
    assert ClientResourceStatus.Name(told.client_status) == client
    assert (told.name, told.version_info) == ("a/v1", version)
    assert told.xds_config.value == (OLD.body if version else b"")
    assert told.HasField("error_state") is (item.refusal is not None)
    assert told.error_state.details == ("no good" if item.refusal else "")


async def test_contents_are_left_out_when_they_are_not_wanted() -> None:
    [told] = (await asked(Streams("a"), contents=False)).config[0].generic_xds_configs
    assert (told.version_info, told.HasField("xds_config")) == (OLD.version, False)


async def test_answer_that_would_be_too_large_is_refused() -> None:
    context = Context()
    with pytest.raises(grpc.aio.AbortError):
        await StatusService(Streams("a", "b"), largest=400).fetch(ClientStatusRequest(), context)  # type: ignore[arg-type]
    assert context.code is grpc.StatusCode.RESOURCE_EXHAUSTED

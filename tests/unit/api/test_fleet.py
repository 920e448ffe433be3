import asyncio
import time
from dataclasses import replace
from hashlib import sha256

import grpc
import pytest

from meshctl.api.callers import is_local
from meshctl.api.fleet import FleetService
from meshctl.api.messages import standing_message
from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus, Refusal, TypeStatus
from meshctl.fleet.node import Node
from meshctl.names import CLUSTER, ENDPOINTS, ROUTES, Ref, Role
from meshctl.problems import Finding, Span
from meshctl.serve.publish import Publisher
from meshctl.serve.standing import CatalogState, Standing
from meshctl.units import Duration
from meshctl.v1 import fleet_pb2 as pb
from meshctl.xds.inventory import Inventory, Item, Stand
from tests.support.catalogs import MESH, service
from tests.support.publishing import change
from tests.support.xds_world import cluster, endpoints

NODE = Node("web@1", Role.SIDECAR, ("web",), client="1.40", user_agent="1.40.0")


class Streams:
    """What connected nodes have, as a test says."""

    def __init__(self) -> None:
        self.found: Inventory | None = None

    def inventory(self, node_id: str, *, waiting: bool = False) -> Inventory | None:
        return self.found if self.found and self.found.node.id == node_id else None


class Asked:
    """A fleet service without a transport: no test here reaches the context."""

    def __init__(self) -> None:
        self.fleet = Fleet()
        self.publisher = Publisher(self.fleet, None, stale_limit=Duration.parse("1h"))
        texts = {"mesh.yaml": MESH, "a/web.yaml": service("web", "users"), "a/users.yaml": service("users")}
        self.publisher.begin(self.publisher.catalog.read(texts))
        self.publisher.open(NODE, lambda: None)
        self.streams = Streams()
        self.service = FleetService(self.publisher, self.fleet, self.streams)

    async def node(self, status: NodeStatus) -> pb.Node:
        self.fleet.connect(status)
        return (await self.service.GetNode(pb.GetNodeRequest(id=status.node.id), None)).node  # type: ignore[arg-type]


@pytest.fixture
def asked() -> Asked:
    return Asked()


async def test_node_is_told_with_its_types(asked: Asked) -> None:
    types = (TypeStatus("cds", sent="2", acked="1", sent_at=1.0, acked_at=0.5, resources=3),)
    status = NodeStatus(NODE, NODE.view, NodeState.SENDING, "why", "delta", types, last_seen=1.0)
    node = await asked.node(status)
    assert (node.id, node.cluster, node.view) == ("web@1", "web", "sidecar/web@1.40")
    assert (node.state, node.reason, node.protocol, node.user_agent) == ("sending", "why", "delta", "1.40.0")
    assert (node.types[0].type, node.types[0].sent, node.types[0].resources) == ("cds", "2", 3)
    assert not node.types[0].HasField("nacked_at")
    assert not node.HasField("connected_since")


async def test_times_of_the_loops_clock_become_those_of_the_wall(asked: Asked) -> None:
    before = int(time.time()) - 1  # the two clocks are read one after the other
    now = asyncio.get_running_loop().time()
    status = NodeStatus(NODE, NODE.view, NodeState.SYNCED, connected_since=now, last_seen=now)
    node = await asked.node(status)
    assert before <= node.connected_since.seconds <= time.time()


async def test_refused_resource_is_told_with_the_line_as_the_file_stands_now(asked: Asked) -> None:
    refusal = Refusal(Ref(ENDPOINTS, "users/v1"), "abc", "malformed IP address: 127.0.0.1", 1.0)
    status = NodeStatus(NODE, NODE.view, NodeState.REFUSED, refusals=(refusal,))
    told = (await asked.node(status)).refusals[0]
    assert (told.type, told.resource, told.version) == ("eds", "users/v1", "abc")
    assert [(one.file, one.line) for one in told.locations] == [("a/users.yaml", 3)]
    change(asked.publisher, {"a/users.yaml": b"# more\n" + service("users")})
    told = (await asked.node(status)).refusals[0]
    assert [(one.file, one.line) for one in told.locations] == [("a/users.yaml", 4)]


async def test_node_of_an_unknown_service_is_told_the_nearest_name(asked: Asked) -> None:
    stranger = Node("x", Role.SIDECAR, ("usres",), client="1.40")
    node = await asked.node(NodeStatus(stranger, stranger.view, NodeState.UNKNOWN, "no view"))
    assert node.view == ""
    assert node.reason == "unknown service 'usres'; the nearest name is 'users'"


async def test_envoy_that_is_too_old_is_told_so_whatever_its_state(asked: Asked) -> None:
    old = replace(NODE, client="1.35", user_agent="1.35.2")
    words = "Envoy 1.35 is not supported, 1.36 is the oldest that is; it gets what 1.36 gets"
    synced = await asked.node(NodeStatus(old, old.view, NodeState.SYNCED))
    assert synced.reason == words
    other = replace(old, id="web@2")
    waiting = await asked.node(NodeStatus(other, other.view, NodeState.WAITING, "it waits"))
    assert waiting.reason == f"it waits; {words}"


def test_catalog_that_is_being_read_has_no_revision() -> None:
    told = standing_message(Standing())
    assert (told.state, told.revision) == ("loading", "")
    assert not told.HasField("published_at")


def test_broken_entries_are_told_with_what_is_served_instead() -> None:
    finding = Finding(Span("a/web.yaml", 6, 8), "MSH0301", "no service is named 'users'", "write 'user'")
    standing = Standing(
        state=CatalogState.BROKEN,
        revision=3,
        published_at=1_800_000_000.5,
        held={"a/web.yaml": (finding,), "a/users.yaml": (finding,)},
        unserved=frozenset({"a/users.yaml"}),
    )
    told = standing_message(standing)
    assert (told.revision, told.published_at.ToMilliseconds()) == ("3", 1_800_000_000_500)
    web, users = told.broken
    assert (web.location.line, web.location.column, web.code, web.serving) == (6, 8, "MSH0301", "last good")
    assert (web.message, web.fix) == ("no service is named 'users'", "write 'user'")
    assert users.message == "no service is named 'users'; this holds back a/users.yaml"
    assert users.serving == "nothing"


@pytest.mark.parametrize(
    ("peer", "local"),
    [
        ("ipv4:127.0.0.1:5000", True),
        ("ipv4:127.8.0.1:5000", True),
        ("ipv6:%5B::1%5D:5000", True),
        ("ipv6:[::1]:5000", True),
        ("ipv6:%5B::ffff:127.0.0.1%5D:5000", True),
        ("unix:", True),
        ("ipv4:10.0.0.1:5000", False),
        ("ipv6:%5B2001:db8::1%5D:5000", False),
        ("ipv6:%5B::ffff:10.0.0.1%5D:5000", False),
        ("", False),
    ],
)
def test_who_is_on_this_machine(peer: str, local: bool) -> None:  # noqa: FBT001
    assert is_local(peer) is local


WEB_V1 = Ref(CLUSTER, "web/v1")


async def test_a_nodes_own_page_says_what_waits_and_which_revision_it_shall_hold(asked: Asked) -> None:
    newer = cluster("web/v1", 1)
    wait = Item(Ref(ROUTES, "egress/web"), Stand.WAITING, None, newer, None, (WEB_V1,), 1.0)
    asked.streams.found = Inventory(NODE, NODE.view, 9, (wait,))
    node = await asked.node(NodeStatus(NODE, NODE.view, NodeState.WAITING, revision=7, state_since=1.0))
    assert (node.revision, node.view_revision, node.HasField("state_since")) == ("7", "9", True)
    [waiting] = node.waiting
    assert (waiting.type, waiting.resource, list(waiting.waits_for)) == (
        "rds",
        "egress/web",
        ["cluster web/v1"],
    )


async def test_why_a_node_refuses_leads_to_the_entry_and_its_team(asked: Asked) -> None:
    refusal = Refusal(Ref(ENDPOINTS, "users/v1"), "abc", "malformed IP address: 127.0.0.1", 1.0)
    asked.fleet.connect(NodeStatus(NODE, NODE.view, NodeState.REFUSED, refusals=(refusal,)))
    change(asked.publisher, {"a/users.yaml": service("users", endpoints="none")})
    told = await asked.service.GetWhy(pb.GetWhyRequest(id="web@1"), None)  # type: ignore[arg-type]
    refused, broken = told.causes
    assert (refused.kind, refused.said) == ("refused", "malformed IP address: 127.0.0.1")
    assert [(one.entry, one.team) for one in refused.origins] == [("service users", "a")]
    assert (broken.kind, broken.origins[0].location.line) == ("broken", 3)


async def test_config_says_what_a_node_has_and_what_differs(asked: Asked) -> None:
    older, newer = cluster("web/v1"), cluster("web/v1", 1)
    same = endpoints("web/v1")
    refusal = Refusal(WEB_V1, newer.version, "no good", 1.0)
    items = (
        Item(WEB_V1, Stand.REFUSED, older, newer, refusal),
        Item(same.ref, Stand.ACCEPTED, same, same),
    )
    asked.streams.found = Inventory(NODE, NODE.view, 9, items)
    asked.fleet.connect(NodeStatus(NODE, NODE.view, NodeState.REFUSED))
    told = await asked.service.GetConfig(pb.GetConfigRequest(id="web@1"), None)  # type: ignore[arg-type]
    first, second = told.resources
    assert (first.state, first.body, first.version) == ("refused", older.body, older.version)
    assert (first.wanted, first.reason) == (newer.version, "no good")
    assert (second.state, second.version, second.reason) == ("accepted", same.version, "")
    only = pb.GetConfigRequest(id="web@1", types=["eds"], name="web/v1")
    told = await asked.service.GetConfig(only, None)  # type: ignore[arg-type]
    assert [one.type for one in told.resources] == ["eds"]


async def test_config_of_a_node_that_is_away_is_not_known(asked: Asked) -> None:
    asked.fleet.connect(NodeStatus(NODE, NODE.view, NodeState.SYNCED))
    context = Stranger()
    with pytest.raises(grpc.aio.AbortError):
        await asked.service.GetConfig(pb.GetConfigRequest(id="web@1"), context)  # type: ignore[arg-type]
    assert context.code is grpc.StatusCode.FAILED_PRECONDITION


async def test_config_of_a_node_that_stands_for_nothing_says_so(asked: Asked) -> None:
    stranger = Node("x", Role.SIDECAR, ("usres",), client="1.40")
    asked.fleet.connect(NodeStatus(stranger, stranger.view, NodeState.UNKNOWN))
    asked.streams.found = Inventory(stranger, "")
    context = Stranger()
    with pytest.raises(grpc.aio.AbortError):
        await asked.service.GetConfig(pb.GetConfigRequest(id="x"), context)  # type: ignore[arg-type]
    words = "x was given nothing: unknown service 'usres'; the nearest name is 'users'"
    assert (context.code, context.words) == (grpc.StatusCode.FAILED_PRECONDITION, words)


async def test_config_of_an_id_that_nobody_has_names_the_nearest(asked: Asked) -> None:
    asked.fleet.connect(NodeStatus(NODE, NODE.view, NodeState.SYNCED))
    context = Stranger()
    with pytest.raises(grpc.aio.AbortError):
        await asked.service.GetConfig(pb.GetConfigRequest(id="wbe@1"), context)  # type: ignore[arg-type]
    words = "no node has the id 'wbe@1'; the nearest id is 'web@1'"
    assert (context.code, context.words) == (grpc.StatusCode.NOT_FOUND, words)


class Stranger:
    """The context of a call from another machine."""

    code: grpc.StatusCode | None = None
    words = ""

    def peer(self) -> str:
        return "ipv4:192.0.2.1:5000"

    async def abort(self, code: grpc.StatusCode, words: str) -> None:
        self.code, self.words = code, words
        raise grpc.aio.AbortError


async def test_nobody_confirms_from_another_machine(asked: Asked) -> None:
    change(asked.publisher, {"a/web.yaml": None, "a/users.yaml": None})
    guarded = asked.publisher.standing.guarded
    stranger = Stranger()
    with pytest.raises(grpc.aio.AbortError):
        await asked.service.Confirm(pb.ConfirmRequest(hash=guarded.hash), stranger)  # type: ignore[arg-type]
    assert stranger.code is grpc.StatusCode.PERMISSION_DENIED
    assert asked.publisher.standing.guarded == guarded


async def test_nobody_skips_waves_from_another_machine(asked: Asked) -> None:
    stranger = Stranger()
    with pytest.raises(grpc.aio.AbortError):
        await asked.service.SkipWaves(pb.SkipWavesRequest(), stranger)  # type: ignore[arg-type]
    assert stranger.code is grpc.StatusCode.PERMISSION_DENIED


async def test_waves_are_told_with_who_they_wait_for_and_who_waits_for_them(asked: Asked) -> None:
    nodes = [replace(NODE, id=f"web@{number}") for number in range(3)]
    seats = {node.id: asked.publisher.open(node, lambda: None) for node in nodes}
    change(asked.publisher, {"a/users.yaml": service("users", alias="people")})
    listed = await asked.service.ListNodes(pb.ListNodesRequest(), Stranger())  # type: ignore[arg-type]
    (wave,) = listed.catalog.waves
    (first,) = wave.waits_for
    assert (wave.view, wave.wave, wave.waves, wave.reached, wave.nodes) == (NODE.view, 1, 3, 0, 3)
    view = seats[first].view()
    routes = view.get(Ref(ROUTES, "egress/web")) if view else None
    assert routes is not None
    refusal = Refusal(routes.ref, routes.version, "no", 1.0)
    refused = NodeStatus(nodes[int(first[-1])], NODE.view, NodeState.REFUSED, refusals=(refusal,))
    asked.publisher.waves.hear(refused)
    listed = await asked.service.ListNodes(pb.ListNodesRequest(), Stranger())  # type: ignore[arg-type]
    (wave,) = listed.catalog.waves
    assert wave.stopped == f"{first} refused egress/web: no"
    assert (wave.node, wave.refusal.resource) == (first, "egress/web")
    other = next(node for node in nodes if node.id != first)
    node = await asked.node(NodeStatus(other, NODE.view, NodeState.SYNCED))
    assert (node.state, node.reason) == ("held", f"wave 1 of 3 of {NODE.view} is stopped: {wave.stopped}")


async def test_entries_are_told_by_hash_and_whether_they_are_served(asked: Asked) -> None:
    change(asked.publisher, {"a/web.yaml": b"service: web\nprot: 1\n"})
    listed = await asked.service.ListEntries(pb.ListEntriesRequest(), Stranger())  # type: ignore[arg-type]
    assert [(one.file, one.served) for one in listed.entries] == [
        ("a/users.yaml", True),
        ("a/web.yaml", False),
        ("mesh.yaml", True),
    ]
    assert listed.entries[1].hash == sha256(b"service: web\nprot: 1\n").hexdigest()

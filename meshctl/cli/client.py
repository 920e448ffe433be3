"""The client of `meshctl serve`: asks for the fleet, and says in a line why there is no answer.

May import grpc and meshctl's own messages; it is their one door in the command line.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict, TypeVar, cast

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from meshctl.cli.errors import Denied, Failure, Stale, TimedOut
from meshctl.v1 import fleet_pb2 as pb
from meshctl.v1.fleet_pb2_grpc import FleetStub

TIMEOUT_S = 5.0
"""Far beyond what a server on another continent needs; a command must not hang."""

_OPTIONS = (
    ("grpc.enable_http_proxy", 0),  # the control plane is not behind the web's proxy
    ("grpc.max_receive_message_length", 256 << 20),  # 100,000 nodes of 2 KiB
)

T = TypeVar("T", bound=Message)


class Location(TypedDict):
    """A place in the catalog."""

    file: str
    line: int
    column: int


class BrokenEntry(TypedDict):
    """A problem of an entry, and what is served for it meanwhile."""

    location: Location
    code: str
    message: str
    fix: str
    serving: str


class Guarded(TypedDict):
    """What waits to be confirmed, and the hash that names it."""

    hash: str
    losses: list[str]


class Refusal(TypedDict):
    """A resource that a node refused."""

    type: str
    resource: str
    version: str
    reason: str
    locations: list[Location]
    since: NotRequired[str]


class Wave(TypedDict):
    """How far a change is among the nodes of one view."""

    view: str
    wave: int
    waves: int
    reached: int
    nodes: int
    waits_for: list[str]
    since: NotRequired[str]
    stopped: str
    node: str
    refusal: NotRequired[Refusal]


class Catalog(TypedDict):
    """What is published; times are ISO 8601, as in all that follows."""

    state: str
    reason: str
    revision: str
    published_at: NotRequired[str]
    broken: list[BrokenEntry]
    guarded: NotRequired[Guarded]
    waves: list[Wave]


class TypeStatus(TypedDict):
    """One type of resources at one node."""

    type: str
    sent: str
    acked: str
    nacked: str
    sent_at: NotRequired[str]
    acked_at: NotRequired[str]
    nacked_at: NotRequired[str]
    resources: int


class Waiting(TypedDict):
    """A resource that is not sent before the node has what it needs."""

    type: str
    resource: str
    waits_for: list[str]
    since: NotRequired[str]


class Node(TypedDict):
    """One node."""

    id: str
    cluster: str
    view: str
    state: str
    reason: str
    connected: bool
    connected_since: NotRequired[str]
    last_seen: NotRequired[str]
    user_agent: str
    protocol: str
    types: list[TypeStatus]
    refusals: list[Refusal]
    state_since: NotRequired[str]
    revision: str
    view_revision: str
    waiting: list[Waiting]


class NodeList(TypedDict):
    """All nodes."""

    nodes: list[Node]
    catalog: Catalog


class OneNode(TypedDict):
    """One node, and what it is served from."""

    node: Node
    catalog: Catalog


def list_nodes(server: str) -> NodeList:
    """All nodes that `server` (HOST:PORT) knows. Raises Failure."""
    return cast(NodeList, _ask(server, "ListNodes", pb.ListNodesRequest()))


def get_node(server: str, node: str) -> OneNode:
    """One node by its id. Raises Failure, for an unknown id too."""
    return cast(OneNode, _ask(server, "GetNode", pb.GetNodeRequest(id=node)))


class Origin(TypedDict):
    """A line of the catalog, and whose it is."""

    location: Location
    entry: str
    team: str


class Cause(TypedDict):
    """One reason for a node's state."""

    kind: str
    words: str
    since: NotRequired[str]
    said: str
    origins: list[Origin]
    next: list[str]


class Why(TypedDict):
    """Why a node is in its state; the weightiest cause first."""

    node: Node
    causes: list[Cause]


def get_why(server: str, node: str) -> Why:
    """Why a node is in its state. Raises Failure, for an unknown id too."""
    return cast(Why, _ask(server, "GetWhy", pb.GetWhyRequest(id=node)))


@dataclass(frozen=True, slots=True)
class NodeResource:
    """One resource at one node: `body` is what it has, at `version`; `wanted` the version of its view."""

    type: str
    name: str
    state: str
    version: str
    body: bytes
    wanted: str
    reason: str


def get_config(server: str, node: str, types: Sequence[str], name: str) -> list[NodeResource]:
    """What a connected node has, by type and name. Raises Failure."""
    request = pb.GetConfigRequest(id=node, types=types, name=name)
    answer = _call(server, "GetConfig", request)
    assert isinstance(answer, pb.GetConfigResponse)
    return [
        NodeResource(one.type, one.name, one.state, one.version, one.body, one.wanted, one.reason)
        for one in answer.resources
    ]


class Target(TypedDict):
    """Where a node listens, and the hosts that it answers for."""

    address: str
    hosts: list[str]


def get_target(server: str, role: str, names: Sequence[str]) -> Target:
    """What a node of this role would stand for. Raises Failure, for an unknown name too."""
    return cast(Target, _ask(server, "GetTarget", pb.GetTargetRequest(role=role, names=names)))


class Confirmed(TypedDict):
    """What was let go."""

    losses: list[str]


def confirm(server: str, digest: str, user: str) -> Confirmed:
    """Let go what is guarded under this hash. Raises Failure; Stale when that is not what is guarded."""
    stale = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION)
    return cast(Confirmed, _ask(server, "Confirm", pb.ConfirmRequest(hash=digest, user=user), stale))


class Entry(TypedDict):
    """One file of the catalog as the server read it last."""

    file: str
    hash: str
    served: bool


def list_entries(server: str) -> list[Entry]:
    """The files that `server` read, by file. Raises Failure."""
    answer = cast(dict[str, list[Entry]], _ask(server, "ListEntries", pb.ListEntriesRequest()))
    return answer["entries"]


def skip_waves(server: str, user: str) -> list[str]:
    """Give all nodes the newest; returns the views in which they waited for it. Raises Failure, Denied."""
    answer = cast(dict[str, list[str]], _ask(server, "SkipWaves", pb.SkipWavesRequest(user=user)))
    return answer["views"]


def _ask(server: str, method: str, request: Message, stale: Collection[grpc.StatusCode] = ()) -> object:
    answer = _call(server, method, request, stale)
    return MessageToDict(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _call(server: str, method: str, request: Message, stale: Collection[grpc.StatusCode] = ()) -> Message:
    try:
        with grpc.insecure_channel(server, options=_OPTIONS) as channel:
            answer: Message = getattr(FleetStub(channel), method)(request, timeout=TIMEOUT_S)
            return answer
    except grpc.RpcError as error:
        raise (Stale(error.details() or "") if error.code() in stale else _failure(server, error)) from None


def _failure(server: str, error: grpc.RpcError) -> Failure:
    code, details = error.code(), error.details() or ""
    if code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION):
        return Failure(details)
    if code is grpc.StatusCode.PERMISSION_DENIED:
        return Denied(details)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return TimedOut(f"{server} did not answer within {TIMEOUT_S:g} s")
    if code is grpc.StatusCode.UNAVAILABLE:
        start = "start it with: meshctl serve, or name another one with --server HOST:PORT"
        return Failure(f"no control plane answers on {server}; {start}")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return Failure(f"what answers on {server} is no meshctl; --server takes the address of --xds")
    return Failure(f"{server} answers: {details} ({code.name.lower()})")

"""The client of `meshctl serve`: asks for the fleet, and says in a line why there is no answer.

May import grpc and meshctl's own messages; it is their one door in the command line.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import cast

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from meshctl.catalog.folder import Unreadable
from meshctl.cli.answers import Confirmed, Entry, NodeList, NodeResource, OneNode, Target, Why
from meshctl.cli.errors import Denied, Failure, Stale, TimedOut
from meshctl.cli.listening import Listener, listener
from meshctl.cli.planned import Planned
from meshctl.envoy.bootstrap import CONTROL_PLANE
from meshctl.v1 import fleet_pb2 as pb
from meshctl.v1.fleet_pb2_grpc import FleetStub

TIMEOUT_S = 5.0
"""Far beyond what a server on another continent needs; a command must not hang."""

_PLAN_TIMEOUT_S = 120.0  # a large mesh is compiled for it, one plan after the other

_TAKES = f"--server takes the --xds address of meshctl serve, {CONTROL_PLANE} by default"

_OPTIONS = (
    ("grpc.enable_http_proxy", 0),  # the control plane is not behind the web's proxy
    ("grpc.max_receive_message_length", 256 << 20),  # 100,000 nodes of 2 KiB
)


def list_nodes(server: str) -> NodeList:
    """All nodes that `server` (HOST:PORT) knows. Raises Failure."""
    return cast(NodeList, _ask(server, "ListNodes", pb.ListNodesRequest()))


def get_node(server: str, node: str) -> OneNode:
    """One node by its id. Raises Failure, for an unknown id too."""
    return cast(OneNode, _ask(server, "GetNode", pb.GetNodeRequest(id=node)))


def get_why(server: str, node: str) -> Why:
    """Why a node is in its state. Raises Failure, for an unknown id too."""
    return cast(Why, _ask(server, "GetWhy", pb.GetWhyRequest(id=node)))


def get_config(server: str, node: str, types: Sequence[str], name: str) -> list[NodeResource]:
    """What a connected node has, by type and name. Raises Failure."""
    request = pb.GetConfigRequest(id=node, types=types, name=name)
    answer = _call(server, "GetConfig", request)
    assert isinstance(answer, pb.GetConfigResponse)
    return [
        NodeResource(one.type, one.name, one.state, one.version, one.body, one.wanted, one.reason)
        for one in answer.resources
    ]


def get_target(server: str, role: str, names: Sequence[str]) -> Target:
    """What a node of this role would stand for. Raises Failure, for an unknown name too."""
    return cast(Target, _ask(server, "GetTarget", pb.GetTargetRequest(role=role, names=names)))


def confirm(server: str, digest: str, user: str) -> Confirmed:
    """Let go what is guarded under this hash. Raises Failure; Stale when that is not what is guarded."""
    stale = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION)
    return cast(Confirmed, _ask(server, "Confirm", pb.ConfirmRequest(hash=digest, user=user), stale))


def list_entries(server: str) -> list[Entry]:
    """The files that `server` read, by file. Raises Failure."""
    answer = cast(dict[str, list[Entry]], _ask(server, "ListEntries", pb.ListEntriesRequest()))
    return answer["entries"]


def skip_waves(server: str, user: str) -> list[str]:
    """Give all nodes the newest; returns the views in which they waited for it. Raises Failure, Denied."""
    answer = cast(dict[str, list[str]], _ask(server, "SkipWaves", pb.SkipWavesRequest(user=user)))
    return answer["views"]


def plan(server: str, texts: Mapping[str, bytes]) -> Planned:
    """What would come of it if the server's folder held these files. Raises Failure."""
    files = (
        pb.CatalogFile(file=file, text=text, unreadable=text.reason if isinstance(text, Unreadable) else "")
        for file, text in texts.items()
    )
    return cast(Planned, _data(_call(server, "Plan", files, timeout_s=_PLAN_TIMEOUT_S)))


def _ask(server: str, method: str, request: Message, stale: Collection[grpc.StatusCode] = ()) -> object:
    return _data(_call(server, method, request, stale))


def _data(answer: Message) -> object:
    return MessageToDict(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _call(
    server: str,
    method: str,
    request: Message | Iterator[Message],
    stale: Collection[grpc.StatusCode] = (),
    timeout_s: float | None = None,
) -> Message:
    timeout_s = timeout_s or TIMEOUT_S
    try:
        with grpc.insecure_channel(server, options=_OPTIONS) as channel:
            answer: Message = getattr(FleetStub(channel), method)(request, timeout=timeout_s)
            return answer
    except grpc.RpcError as error:
        if error.code() in stale:
            raise Stale(error.details() or "") from None
        raise _failure(server, error, timeout_s) from None


def _failure(server: str, error: grpc.RpcError, timeout_s: float) -> Failure:
    code, details = error.code(), error.details() or ""
    if code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION):
        return Failure(details)
    if code is grpc.StatusCode.PERMISSION_DENIED:
        return Denied(details)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return TimedOut(f"{server} did not answer within {timeout_s:g} s; {_TAKES}")
    if code is grpc.StatusCode.UNAVAILABLE:
        return Failure(_unreached(server, listener(server)))
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return Failure(f"what answers on {server} is no meshctl, or another release; {_TAKES}")
    return Failure(f"{server} answers: {details} ({code.name.lower()})")


def _unreached(server: str, found: Listener) -> str:
    match found:
        case Listener.NOBODY:
            start = "start it with: meshctl serve, or name another one with --server HOST:PORT"
            return f"no control plane answers on {server}; {start}"
        case Listener.NO_HOST:
            return f"the host of {server} is not known; name another one with --server HOST:PORT"
        case Listener.HTTP:
            return f"{server} speaks plain HTTP, as the --http address of meshctl serve does; {_TAKES}"
        case Listener.OTHER:
            return f"{server} ended the call without an answer: no meshctl, or one that stops; {_TAKES}"

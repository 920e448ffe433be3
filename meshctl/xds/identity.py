"""Who is at the other end of a stream: what a first request says, and its node as one of the fleet.

May import `fleet`, `names` and protobuf.
"""

from dataclasses import dataclass

from envoy.config.core.v3.base_pb2 import Node as NodeMessage
from google.protobuf.message import DecodeError

from meshctl.fleet.node import GRPC, Node
from meshctl.names import Role
from meshctl.xds.events import Request
from meshctl.xds.limits import LIMITS, Limits, Overstepped, StreamEnd
from meshctl.xds.wire import Garbled, Layout, node_at_start

_GRPC_AGENT = "gRPC"
"""How the user agents of gRPC's own clients begin: "gRPC C-core", "gRPC Go"."""

_LONGEST = 256
"""Bytes of a node's id or cluster: a host name has 253 at most."""

_MOST_SERVICES = 64
_HIGHEST = 999
"""Of a release's numbers: they are a part of the view's name."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request with what only the first ones of a stream say.

    `node` need not be filled later; `holds_state`: the client has resources from a stream before; `weight`:
    how many names and versions it says.
    """

    request: Request
    node: NodeMessage
    holds_state: bool
    weight: int = 0


def node_of(message: NodeMessage, limits: Limits = LIMITS) -> Node:
    """The node as it names itself on its first request.

    Role and services stand in the metadata that `meshctl bootstrap` writes. A node that says no role is a
    sidecar of the services in its cluster's name. Raises ValueError for a role that does not exist, and for
    names that would not fit on a line of a log; Overstepped for a node that says more than one has to say.
    """
    _check_size(message, limits)
    fields = message.metadata.fields
    role_name = fields["role"].string_value if "role" in fields else Role.SIDECAR.value
    services = tuple(sorted({one.string_value for one in fields["services"].list_value.values}))
    if len(services) > _MOST_SERVICES:
        raise ValueError(f"{len(services)} services on one machine; {_MOST_SERVICES} are the most")
    egress, ingress = (fields[key].string_value if key in fields else "" for key in ("egress", "ingress"))
    for text in (message.id, message.cluster, role_name, egress, ingress, *services):
        _check_line(text)
    role = Role(role_name)
    return Node(
        message.id,
        role,
        services=(services or tuple(sorted(message.cluster.split("+")))) if role is Role.SIDECAR else (),
        gateway=message.cluster if role is Role.GATEWAY else "",
        client=_client(message),
        user_agent=_user_agent(message),
        egress=egress,
        ingress=ingress,
    )


def is_introduced(data: bytes, layout: Layout, limits: Limits) -> bool:
    """Whether a request says who it is from within what anybody may send, however long it is.

    Raises as `node_of` does for a node that says too much, and Garbled for what is no message.
    """
    start = node_at_start(data, layout, limits.first_message)
    if start is None:
        return False
    try:
        return bool(node_of(NodeMessage.FromString(start), limits).id)
    except DecodeError as wrong:
        raise Garbled(str(wrong)) from None


def _check_size(message: NodeMessage, limits: Limits) -> None:
    for what, size, most in (
        ("the node", message.ByteSize(), limits.node),
        ("the node's metadata", message.metadata.ByteSize(), limits.metadata),
    ):
        if size > most:
            raise Overstepped(StreamEnd.NODE_SIZE, f"{what} has {size} bytes; {most} are the most")


def _check_line(text: str) -> None:
    if len(text.encode()) > _LONGEST or not text.isprintable():
        raise ValueError(f"a name of the node is longer than {_LONGEST} bytes or cannot be printed")


def _client(message: NodeMessage) -> str:
    if message.user_agent_name.startswith(_GRPC_AGENT):
        return GRPC
    version = message.user_agent_build_version.version
    if max(version.major_number, version.minor_number) > _HIGHEST:
        raise ValueError(f"Envoy {version.major_number}.{version.minor_number} is no release")
    return f"{version.major_number}.{version.minor_number}"


def _user_agent(message: NodeMessage) -> str:
    version = message.user_agent_build_version.version
    if message.HasField("user_agent_build_version"):
        return f"{version.major_number}.{version.minor_number}.{version.patch}"
    words = f"{message.user_agent_name} {message.user_agent_version}".strip()
    _check_line(words)
    return words

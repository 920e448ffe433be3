"""The delta variant: requests and answers as bytes.

May import `snapshot`, `names` and protobuf. An answer is a small header and the shared frames of its
resources, joined: protobuf allows the fields of a message in any order.
"""

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse

from meshctl.names import TypeUrl
from meshctl.snapshot.encode import delta_frame
from meshctl.xds.events import Amend, Dialect, Request, Send
from meshctl.xds.frames import Frames
from meshctl.xds.identity import Incoming
from meshctl.xds.types import TYPES

_TOLD = frozenset(url for url, row in TYPES.items() if row.leaves)

DIALECT = Dialect(removals=_TOLD, missing=_TOLD, whole=frozenset())
"""It can say of nearly everything that it is gone, or does not exist."""

_FRAMES = Frames(delta_frame)


def decode(data: bytes) -> Incoming:
    """A client's request. Raises protobuf's DecodeError if it is none."""
    message = DeltaDiscoveryRequest.FromString(data)
    names = Amend(
        frozenset(message.resource_names_subscribe),
        frozenset(message.resource_names_unsubscribe),
        dict(message.initial_resource_versions),
    )
    error = message.error_detail.message if message.HasField("error_detail") else None
    request = Request(TypeUrl(message.type_url), names, message.response_nonce, error)
    return Incoming(request, message.node, holds_state=bool(message.initial_resource_versions))


def encode(send: Send, server: str) -> bytes:
    """An answer; `server` tells the client who speaks."""
    header = DeltaDiscoveryResponse(type_url=send.type, nonce=send.nonce, removed_resources=send.removed)
    header.control_plane.identifier = server
    return b"".join((header.SerializeToString(), *map(_FRAMES.of, send.upserts)))

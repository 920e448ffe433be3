"""The delta variant: requests and answers as bytes.

May import `snapshot`, `names` and protobuf. An answer is a small header and the shared frames of its
resources, joined: protobuf allows the fields of a message in any order.
"""

from itertools import chain

from envoy.service.discovery.v3.discovery_pb2 import DeltaDiscoveryRequest, DeltaDiscoveryResponse
from google.protobuf.message import DecodeError

from meshctl.names import TypeUrl
from meshctl.snapshot.encode import delta_frame
from meshctl.xds.events import Amend, Dialect, Request, Send
from meshctl.xds.frames import Frames
from meshctl.xds.identity import Incoming
from meshctl.xds.limits import LIMITS, Limits
from meshctl.xds.types import TYPES
from meshctl.xds.wire import Garbled, Layout, check_size

_TOLD = frozenset(url for url, row in TYPES.items() if row.leaves)

DIALECT = Dialect(removals=_TOLD, missing=_TOLD, whole=frozenset())
"""It can say of nearly everything that it is gone, or does not exist."""

LAYOUT = Layout(node=1, names=frozenset({3, 4, 5}), error=7)
"""Numbers of the fields of a DeltaDiscoveryRequest."""

_FRAMES = Frames(delta_frame)


def decode(data: bytes, limits: Limits = LIMITS) -> Incoming:
    """A client's request. Raises Garbled if it is none, Overstepped if it is too much."""
    check_size(data, LAYOUT, limits)
    try:
        message = DeltaDiscoveryRequest.FromString(data)
    except DecodeError as wrong:
        raise Garbled(str(wrong)) from None
    asked, dropped = message.resource_names_subscribe, message.resource_names_unsubscribe
    held = dict(message.initial_resource_versions)
    limits.check_names(chain(asked, dropped, held, held.values()), max(len(asked), len(dropped), len(held)))
    names = Amend(frozenset(asked), frozenset(dropped), held)
    error = message.error_detail.message if message.HasField("error_detail") else None
    request = Request(TypeUrl(message.type_url), names, message.response_nonce, error)
    return Incoming(
        request, message.node, holds_state=bool(held), weight=len(asked) + len(dropped) + len(held)
    )


def encode(send: Send, server: str) -> bytes:
    """An answer; `server` tells the client who speaks."""
    header = DeltaDiscoveryResponse(type_url=send.type, nonce=send.nonce, removed_resources=send.removed)
    header.control_plane.identifier = server
    return b"".join((header.SerializeToString(), *map(_FRAMES.of, send.upserts)))

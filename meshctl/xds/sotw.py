"""The state-of-the-world variant: requests and answers as bytes.

May import `snapshot`, `names` and protobuf. Answers of clusters and listeners hold all that the client
shall have, others what changed.
"""

from envoy.service.discovery.v3.discovery_pb2 import DiscoveryRequest, DiscoveryResponse
from google.protobuf.message import DecodeError

from meshctl.names import TypeUrl
from meshctl.snapshot import Resource
from meshctl.snapshot.encode import sotw_frame
from meshctl.xds.events import Dialect, Replace, Request, Send, digest
from meshctl.xds.frames import Frames
from meshctl.xds.identity import Incoming
from meshctl.xds.limits import LIMITS, Limits
from meshctl.xds.types import TYPES
from meshctl.xds.wire import Garbled, Layout, check_size

_WHOLE = frozenset(url for url, row in TYPES.items() if row.complete)

DIALECT = Dialect(removals=_WHOLE, missing=frozenset(), whole=_WHOLE)
"""It removes by leaving out, where answers are complete, and cannot say that a name does not exist."""

LAYOUT = Layout(node=2, names=frozenset({3}), error=6)
"""Numbers of the fields of a DiscoveryRequest."""

_FRAMES = Frames(sotw_frame)


def decode(data: bytes, limits: Limits = LIMITS) -> Incoming:
    """A client's request. Raises Garbled if it is none, Overstepped if it is too much."""
    check_size(data, LAYOUT, limits)
    try:
        message = DiscoveryRequest.FromString(data)
    except DecodeError as wrong:
        raise Garbled(str(wrong)) from None
    asked = message.resource_names
    limits.check_names((*asked, message.version_info), len(asked))
    names = Replace(frozenset(asked), message.version_info)
    error = message.error_detail.message if message.HasField("error_detail") else None
    request = Request(TypeUrl(message.type_url), names, message.response_nonce, error)
    return Incoming(request, message.node, holds_state=bool(message.version_info), weight=len(asked))


def encode(send: Send, server: str) -> bytes:
    """An answer; `server` tells the client who speaks."""
    resources = content(send)
    header = DiscoveryResponse(type_url=send.type, nonce=send.nonce, version_info=_version(send, resources))
    header.control_plane.identifier = server
    return b"".join((header.SerializeToString(), *map(_FRAMES.of, resources)))


def content(send: Send) -> tuple[Resource, ...]:
    """The resources of an answer, in a fixed order: the whole state where it must be complete."""
    if send.state is None:
        return send.upserts
    return tuple(resource for _, resource in sorted(send.state.items()))


def _version(send: Send, resources: tuple[Resource, ...]) -> str:
    version = digest(resources)
    return f"{version}-{send.attempt}" if send.attempt else version

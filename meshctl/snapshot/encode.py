"""The one place where resources become bytes: deterministic, hashed, framed for the wire.

May import `names` and protobuf. Every byte that reaches a client comes from here, so that the same
catalog gives the same bytes in any process (a map inside a message is ordered only when one asks for it).
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from meshctl.names import Ref, ResourceKey
from meshctl.snapshot.resource import Part, Resource

if TYPE_CHECKING:
    from google.protobuf.message import Message

_VIRTUAL_HOSTS = b"\x12"  # RouteConfiguration.virtual_hosts: field 2, length-delimited
_RESOURCES = b"\x12"  # resources is field 2 of both discovery responses
_VERSION_LENGTH = 16
"""Hex digits of a version: 64 bits, so that a clash among 10 million resources has odds of 1 in 400,000."""


def serialised(message: "Message") -> bytes:
    """The bytes of a message: in one build always the same, another may write its maps in another order."""
    return message.SerializeToString(deterministic=True)


def encode(
    key: ResourceKey,
    message: "Message",
    *,
    parts: Sequence[Part] = (),
    needs: Sequence[Ref] = (),
    empty: bool = False,
    by_name: bool = False,
    address: str = "",
) -> Resource:
    """Serialise `message`, followed by the parts that were encoded before, and hash the whole."""
    return assemble(key, serialised(message), parts, needs, empty=empty, by_name=by_name, address=address)


def assemble(
    key: ResourceKey,
    head: bytes,
    parts: Sequence[Part] = (),
    needs: Sequence[Ref] = (),
    *,
    empty: bool = False,
    by_name: bool = False,
    address: str = "",
) -> Resource:
    """A resource of bytes that are encoded already; its needs are `needs` and those of its parts, sorted."""
    digest = sha256(head)
    every = set(needs)
    for part in parts:
        digest.update(part.body)
        every.update(part.needs)
    version = digest.hexdigest()[:_VERSION_LENGTH]
    return Resource(
        key, version, head, tuple(parts), tuple(sorted(every)), empty=empty, by_name=by_name, address=address
    )


def encode_part(name: str, message: "Message", needs: Sequence[Ref]) -> Part:
    """Serialise a virtual host, framed as a field of the route configurations that hold it."""
    body = serialised(message)
    return Part(name, b"".join((_VIRTUAL_HOSTS, _varint(len(body)), body)), tuple(sorted(set(needs))))


def delta_frame(resource: Resource) -> bytes:
    """The resource as one `resources` field of a DeltaDiscoveryResponse (Resource: version, Any, name)."""
    any_bytes = _any(resource)
    return _field(
        _RESOURCES,
        _field(b"\x0a", resource.version.encode())
        + _field(b"\x12", any_bytes)
        + _field(b"\x1a", resource.key.name.encode()),
    )


def sotw_frame(resource: Resource) -> bytes:
    """The resource as one `resources` field of a DiscoveryResponse (Any)."""
    return _field(_RESOURCES, _any(resource))


def _any(resource: Resource) -> bytes:
    return _field(b"\x0a", resource.key.type.encode()) + _field(b"\x12", resource.body)


def _field(tag: bytes, value: bytes) -> bytes:
    return b"".join((tag, _varint(len(value)), value))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)

"""Builds of meshctl that write the same messages in other bytes.

They work on a control plane in the test's own process. Today's messages hold no map of more than one entry,
so the builders are given some first.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from envoy.extensions.access_loggers.file.v3.file_pb2 import FileAccessLog
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

from meshctl.envoy import cluster, endpoints, listener, pb, routes
from meshctl.snapshot import encode

KEYS = tuple(f"key{number}" for number in range(12))


def with_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every resource holds a map of twelve; a listener holds it in its access log, packed twice."""
    _also(monkeypatch, cluster, "cluster", _note)
    _also(monkeypatch, endpoints, "load_assignment", _note_endpoints)
    _also(monkeypatch, listener, "egress_listener", _log_json)
    _also(monkeypatch, listener, "gateway_listener", _log_json)
    _also(monkeypatch, routes, "service_host", _note)
    _also(monkeypatch, routes, "gateway_host", _note)


def with_maps_reversed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every map is written from its last key to its first."""

    def pack(message: pb.Message) -> pb.Any:
        name = message.DESCRIPTOR.full_name
        return pb.Any(type_url=f"type.googleapis.com/{name}", value=backwards(message))

    monkeypatch.setattr(pb, "pack", pack)
    monkeypatch.setattr(encode, "serialised", backwards)


def _also(
    monkeypatch: pytest.MonkeyPatch, module: object, builder: str, add: Callable[[pb.Message], None]
) -> None:
    right: Callable[..., pb.Message] = getattr(module, builder)

    def wrong(*given: object) -> pb.Message:
        message = right(*given)
        add(message)
        return message

    monkeypatch.setattr(module, builder, wrong)


def _note(message: pb.Message) -> None:
    assert isinstance(message, pb.Cluster | pb.VirtualHost | pb.LbEndpoint)
    for key in KEYS:
        message.metadata.filter_metadata["note"][key] = "something that Envoy does not look at"


def _note_endpoints(message: pb.Message) -> None:
    assert isinstance(message, pb.ClusterLoadAssignment)
    for locality in message.endpoints:
        for endpoint in locality.lb_endpoints:
            _note(endpoint)


def _log_json(message: pb.Message) -> None:
    assert isinstance(message, pb.Listener)
    packed = message.filter_chains[0].filters[0].typed_config
    manager = pb.unpack(packed)
    assert isinstance(manager, pb.HttpConnectionManager)
    log = FileAccessLog(path="/dev/null")
    for key in KEYS:
        log.log_format.json_format.fields[key].string_value = "%REQ(X-KEY)%"
    manager.access_log.add(name="envoy.access_loggers.file", typed_config=pb.pack(log))
    packed.CopyFrom(pb.pack(manager))


def backwards(message: pb.Message) -> bytes:
    """The bytes of a message with every map from its last key to its first; what is packed stays."""
    return b"".join(_field(message, field, value) for field, value in message.ListFields())


def _field(message: pb.Message, field: FieldDescriptor, value: Any) -> bytes:
    kind = field.message_type
    if kind is None:
        alone = type(message)(**{field.name: value})
        return alone.SerializeToString()
    if kind.GetOptions().map_entry:
        found = list(_entries(kind, value))
    else:
        found = list(value) if field.is_repeated else [value]
    return b"".join(_framed(field.number, backwards(one)) for one in found)


def _entries(kind: Descriptor, entries: Any) -> Iterator[pb.Message]:
    entry = GetMessageClass(kind)
    for key in sorted(entries, reverse=True):
        yield entry(key=key, value=entries[key])


def _framed(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])

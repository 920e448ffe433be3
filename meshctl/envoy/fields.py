"""The fields in which two messages of one type differ, as paths of proto names: `outlier_detection.interval`.

May import `envoy.pb`. Protobuf compares what is packed into an `Any` as bytes; these depend on the order in
which a build writes the entries of a map, and mean nothing. So everything packed is unpacked and compared.
Elements of a list have the path of the list.
"""

from collections.abc import Iterator, MutableMapping, MutableSequence

from meshctl.envoy import pb

UNKNOWN = "?"
"""Stands for fields that this build has no name for."""


def differing(old: pb.Message, new: pb.Message) -> tuple[str, ...]:
    """Sorted, each once; none where the decoded messages are equal, whatever their bytes."""
    return tuple(sorted(set(_message("", old, new))))


def same_message(one: pb.Message, other: pb.Message) -> bool:
    """Whether no field differs, those unknown here included.

    Costs what differs: what protobuf finds equal is not looked into. In doubt they are not the same. Raises
    DecodeError where something packed cannot be unpacked.
    """
    return next(_message("", one, other), None) is None


def _message(path: str, old: pb.Message, new: pb.Message) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, pb.Any) and isinstance(new, pb.Any):
        yield from _any(path, old, new)
        return
    before, after = pb.fields(old), pb.fields(new)
    for name in sorted(before.keys() | after.keys()):
        if name in before and name in after:
            yield from _value(_within(path, name), before[name], after[name])
        else:
            yield _within(path, name)
    if pb.unknown_fields(old) != pb.unknown_fields(new):
        yield _within(path, UNKNOWN)


def _any(path: str, old: pb.Any, new: pb.Any) -> Iterator[str]:
    before, after = pb.unpack(old), pb.unpack(new)
    if before is not None and after is not None and old.type_url == new.type_url:
        yield from _message(path, before, after)
    elif (old.type_url, old.value) != (new.type_url, new.value):
        yield path


def _value(path: str, old: object, new: object) -> Iterator[str]:
    match old, new:
        case pb.Message(), pb.Message():
            yield from _message(path, old, new)
        case MutableMapping(), MutableMapping() if old.keys() == new.keys():
            for key in old:
                yield from _value(path, old[key], new[key])
        case MutableSequence(), MutableSequence() if len(old) == len(new):
            for before, after in zip(old, new, strict=True):
                yield from _value(path, before, after)
        case _ if old != new:
            yield path


def _within(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

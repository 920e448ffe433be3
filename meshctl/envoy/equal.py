"""Whether two messages say the same, though their bytes differ.

May import `envoy.pb`. Protobuf compares what is packed into an `Any` as bytes; these depend on the order in
which a build writes the entries of a map, and mean nothing. So everything packed is unpacked and compared.
"""

from collections.abc import Mapping, Sequence

from meshctl.envoy import pb


def same_message(one: pb.Message, other: pb.Message) -> bool:
    """Whether two messages of one type are equal, packed ones unpacked, fields unknown here included.

    Costs what differs: what protobuf finds equal is not looked into. In doubt they are not the same.
    """
    if one == other:
        return True
    if isinstance(one, pb.Any) and isinstance(other, pb.Any):
        return _same_packed(one, other)
    if pb.unknown_fields(one) != pb.unknown_fields(other):
        return False
    left, right = pb.fields(one), pb.fields(other)
    return left.keys() == right.keys() and all(
        _same_value(value, right[name]) for name, value in left.items()
    )


def _same_packed(one: pb.Any, other: pb.Any) -> bool:
    left, right = pb.unpack(one), pb.unpack(other)
    return (
        one.type_url == other.type_url
        and left is not None
        and right is not None
        and same_message(left, right)
    )


def _same_value(one: object, other: object) -> bool:
    if isinstance(one, pb.Message) and isinstance(other, pb.Message):
        return same_message(one, other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same_value(one[key], other[key]) for key in one)
    if isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, str | bytes):
        return len(one) == len(other) and all(map(_same_value, one, other))
    return one == other

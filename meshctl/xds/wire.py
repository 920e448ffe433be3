"""What a large request is made of, seen before it is parsed.

Imports the limits beside it. A byte or two on the wire can become an object of a hundred in memory: 64 MB of
empty names, or of empty messages, would parse into gigabytes. Small requests cannot, and are not looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from meshctl.xds.limits import Limits, Overstepped, StreamEnd

_SMALL = 1 << 20
_OTHERS = 64
"""Fields of a request that are no names: type, nonce, node, error and what later versions add."""

_COARSE = 10
"""A tag's byte may stand elsewhere too: as one of a few lengths of each name, or in its text."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTH = {_FIXED64: 8, _FIXED32: 4}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a kind of request has its `node`, `names` (and versions), and `error`: numbers of fields."""

    node: int
    names: frozenset[int]
    error: int


class Garbled(Exception):
    """Bytes that are no message."""


def check_size(data: bytes, layout: Layout, limits: Limits) -> None:
    """Raises Overstepped for a request that is too much to be parsed, and Garbled for one that is none."""
    if len(data) <= _SMALL:
        return
    # Each field has its tag: far more of those bytes than there may be names need no counting one by one.
    if sum(data.count(number << 3 | _BYTES) for number in layout.names) > _COARSE * limits.names:
        raise Overstepped(StreamEnd.NAMES, f"more than {limits.names} names in a request")
    names = others = rest = 0
    for number, start, end in _fields(data, 0, len(data)):
        if number in layout.names:
            names += 1
        else:
            others += 1
            rest += 0 if number == layout.error else end - start
        if number == layout.error:
            _check_error(data, start, end)
        # Two fields of names, and as many versions.
        if names > 3 * limits.names or others > _OTHERS:
            raise Overstepped(StreamEnd.NAMES, f"more than {limits.names} names in a request")
    if rest > limits.node:
        raise Overstepped(StreamEnd.NODE_SIZE, f"the node has {rest} bytes; {limits.node} are the most")


def node_at_start(data: bytes, layout: Layout, most: int) -> bytes | None:
    """The node of a request that says within its first `most` bytes who it is from, else None.

    The rest may be of any length, and is not looked at. Every library writes fields in the order of their
    numbers, and the node's comes before all that can be long. Raises Garbled for what is no message.
    """
    for number, start, end in _fields(data, 0, len(data)):
        if end > most:
            return None
        if number == layout.node:
            return data[start:end]
    return None


def _check_error(data: bytes, start: int, end: int) -> None:
    """An error is a code and a text; a list of details of any length could be behind them."""
    for count, _ in enumerate(_fields(data, start, end)):
        if count > _OTHERS:
            raise Overstepped(StreamEnd.MALFORMED, f"an error with more than {_OTHERS} details")


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields of a message: number, and where the content begins and ends."""
    while at < end:
        tag, at = _varint(data, at, end)
        number, kind = tag >> 3, tag & 7
        if kind == _BYTES:
            size, at = _varint(data, at, end)
        elif kind == _VARINT:
            after = _varint(data, at, end)[1]
            size = after - at
        elif kind in _WIDTH:
            size = _WIDTH[kind]
        else:
            raise Garbled(f"a field of the kind {kind}")
        if size > end - at:
            raise Garbled("a field ends behind its message")
        yield number, at, at + size
        at += size


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise Garbled("a number without an end")

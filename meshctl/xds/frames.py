"""The framed bytes of resources, made once and shared by all streams of a codec.

May import `snapshot`. Bounded: what was not asked for lately is framed again when it is.
"""

from collections import OrderedDict
from collections.abc import Callable

from meshctl.names import ResourceKey
from meshctl.snapshot import Resource

_LIMIT = 64 << 20
"""Bytes of frames that are kept: 5,000 services of 10 endpoints are 15 MB in both variants together."""


class Frames:
    """A cache of one way to frame a resource."""

    def __init__(self, frame: Callable[[Resource], bytes], limit: int = _LIMIT) -> None:
        """`frame` makes the bytes; `limit` is how many are kept."""
        self._frame, self._limit, self._size = frame, limit, 0
        self._kept: OrderedDict[tuple[ResourceKey, str], bytes] = OrderedDict()

    def of(self, resource: Resource) -> bytes:
        """The resource as a field of an answer."""
        key = (resource.key, resource.version)
        frame = self._kept.get(key)
        if frame is not None:
            self._kept.move_to_end(key)
            return frame
        frame = self._frame(resource)
        self._kept[key] = frame
        self._size += len(frame)
        while self._size > self._limit:
            self._size -= len(self._kept.popitem(last=False)[1])
        return frame

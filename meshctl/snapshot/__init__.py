"""Resources encoded once, views of them, and the differences between two states."""

from meshctl.snapshot.contents import ALIKE, HEAD, Contents, Held, Overlay
from meshctl.snapshot.resource import Part, Resource
from meshctl.snapshot.view import Snapshot, Tombstone, View, ViewSnapshot, moved_keys

__all__ = [
    "ALIKE",
    "HEAD",
    "Contents",
    "Held",
    "Overlay",
    "Part",
    "Resource",
    "Snapshot",
    "Tombstone",
    "View",
    "ViewSnapshot",
    "moved_keys",
]

"""A resource that is built anew and says what the served one says keeps the served bytes, and its version.

May import the snapshot and `names`. Another build of protobuf or of meshctl may write the same message in
other bytes; given out, they would go to the whole fleet at once, and what was refused would be tried again.
"""

from collections.abc import Callable
from dataclasses import replace
from operator import is_

from meshctl.names import ROUTES, TypeUrl
from meshctl.snapshot import Part, Resource
from meshctl.snapshot.encode import assemble

Same = Callable[[TypeUrl, bytes, bytes], bool]
"""Whether the bytes of two resources of one type are the same message."""


class ServedBytes:
    """Compares what is built with what is served. A part that thousands of resources share is judged once."""

    def __init__(self, same: Same) -> None:
        self._same = same
        self._equal: set[tuple[bytes, bytes]] = set()  # parts of two builds: no more than the mesh has
        self._different: set[tuple[bytes, bytes]] = set()  # until this publication is done

    def keep(self, served: Resource, built: Resource) -> Resource:
        """`built` with the bytes of `served`, whole or part by part, where they are the same message.

        All that is not bytes is as built: a build that knows better what a resource needs is believed.
        """
        if served.version == built.version:
            return built
        if bool(served.parts) != bool(built.parts):  # put together in another way
            same = self._same(built.key.type, served.body, built.body)
            return _with_bytes(built, served.head, served.parts) if same else built
        known = {part.name: part for part in served.parts}
        parts = tuple(self._part(known.get(part.name), part) for part in built.parts)
        head = self._head(served, built)
        if head is built.head and all(map(is_, parts, built.parts)):
            return built
        return _with_bytes(built, head, parts)

    def done(self) -> None:
        """Everything of one publication was compared."""
        self._different.clear()

    def _head(self, served: Resource, built: Resource) -> bytes:
        if served.head == built.head or not self._same(built.key.type, served.head, built.head):
            return built.head
        return served.head

    def _part(self, served: Part | None, built: Part) -> Part:
        if served is None or served.body == built.body:
            return built
        pair = (served.body, built.body)
        if pair not in self._equal and pair not in self._different:
            same = self._same(ROUTES, *pair)  # framed as its field, a part is a route configuration
            (self._equal if same else self._different).add(pair)
        return replace(built, body=served.body) if pair in self._equal else built


def _with_bytes(built: Resource, head: bytes, parts: tuple[Part, ...]) -> Resource:
    return assemble(
        built.key,
        head,
        parts,
        built.needs,
        empty=built.empty,
        by_name=built.by_name,
        address=built.address,
    )

"""One resource: an Envoy object encoded once, with its version and what it needs.

May import `names`. The bytes are shared by every view and stream that holds the resource.
"""

from dataclasses import dataclass, field

from meshctl.names import Ref, ResourceKey


@dataclass(frozen=True, slots=True)
class Part:
    """A virtual host of a route configuration, encoded on its own so that many callers share its bytes.

    `body` is framed as the field of its parent. `needs` are the clusters that its routes name.
    """

    name: str
    body: bytes = field(repr=False)
    needs: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """An Envoy object as it goes out.

    `version` is the hash of its bytes; a client that has it needs no other of this version, even where one
    says otherwise what it needs. `needs` are the resources that must be with a client before this one may go
    to it, and must stay while it is held.
    `head` and the bodies of `parts`, joined, are the message; only route configurations have parts.
    `empty`: a load assignment without endpoints. `by_name`: given only to who asks for it by name.
    `address`: where a listener listens, so that one that gives its place to another can be told.
    """

    key: ResourceKey
    version: str
    head: bytes = field(repr=False)
    parts: tuple[Part, ...] = field(default=(), repr=False)
    needs: tuple[Ref, ...] = ()
    empty: bool = False
    by_name: bool = False
    address: str = ""

    @property
    def ref(self) -> Ref:
        """The resource as the wire names it."""
        return self.key.ref

    @property
    def body(self) -> bytes:
        """The serialised message."""
        return b"".join((self.head, *(part.body for part in self.parts))) if self.parts else self.head

    @property
    def size(self) -> int:
        """The length of the serialised message in bytes."""
        return len(self.head) + sum(len(part.body) for part in self.parts)

    def __hash__(self) -> int:
        return hash(self.version)

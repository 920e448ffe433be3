"""What a client holds, for sure or possibly, and what that needs.

May import `snapshot` and `names`. The second rule of the order asks here whether something may leave.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from meshctl.names import Ref, TypeUrl
from meshctl.snapshot import Resource

UNKNOWN = "?"
"""Stands for the version of a resource that a client holds but cannot name."""

_NOTHING: frozenset[Ref] = frozenset()

_MOST_POSSIBLE = 8
"""Beyond this many refused versions of one name they are no longer told apart."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One name at one client.

    `accepted`: the version last acknowledged on this stream, or named by the client at the version that
    its view has. `possible`: other versions that it may have: sent and not acknowledged, as after a refusal
    Envoy may have any of them, or had by the view before. `claimed`: the version that the client said it
    holds when the stream began, where its view has another, else "".
    """

    accepted: Resource | None = None
    possible: tuple[Resource, ...] = ()
    claimed: str = ""

    def is_surely(self, version: str) -> bool:
        """Whether the client has exactly this version."""
        return (
            self.accepted is not None
            and self.accepted.version == version
            and not self.possible
            and not self.claimed
        )

    def versions(self) -> Iterator[Resource]:
        """All that the client may have under this name, as far as it is known."""
        if self.accepted is not None:
            yield self.accepted
        yield from self.possible

    @property
    def unknown(self) -> bool:
        """Whether it may be a version that nobody here knows."""
        return bool(self.claimed) and all(one.version != self.claimed for one in self.possible)

    def may_be_other_than(self, version: str) -> bool:
        """Whether the client may have another version than this one."""
        return self.claimed not in ("", version) or any(one.version != version for one in self.versions())

    @property
    def needs(self) -> frozenset[Ref]:
        """What any of these versions needs: mostly nothing."""
        lists = [one.needs for one in self.versions() if one.needs]
        return frozenset().union(*lists) if lists else _NOTHING

    def sent(self, resource: Resource) -> "Holding":
        """The same after `resource` went out: the client may have either."""
        others = [one for one in self.possible if one.version != resource.version] if self.possible else ()
        possible = (*others, resource)
        if len(possible) > _MOST_POSSIBLE:
            return Holding(self.accepted, possible[-1:], self.claimed or UNKNOWN)
        return Holding(self.accepted, possible, self.claimed)

    def known_as(self, resource: Resource) -> "Holding":
        """The same once the claimed version turned out to be this one."""
        return Holding(resource, tuple(one for one in self.possible if one.version != resource.version))

    def taken_back(self) -> "Holding":
        """The same after its removal went out: perhaps still there, but not to be relied on."""
        return Holding(None, tuple(self.versions()), UNKNOWN if self.unknown else "")


class Holdings:
    """Everything that one client holds, with a count of who needs what."""

    def __init__(self) -> None:
        self._held: dict[TypeUrl, dict[str, Holding]] = {}
        self._needed: Counter[Ref] = Counter()
        self._uncertain: Counter[TypeUrl] = Counter()

    def get(self, ref: Ref) -> Holding | None:
        """What the client may have under this name, None if surely nothing."""
        return self._held.get(ref.type, {}).get(ref.name)

    def of(self, type_url: TypeUrl) -> Mapping[str, Holding]:
        """All of one type, by name."""
        return MappingProxyType(self._held.get(type_url, {}))

    def put(self, ref: Ref, holding: Holding | None) -> None:
        """Replace what is known of one name; None: surely not there."""
        held = self._held.setdefault(ref.type, {})
        before = held.pop(ref.name, None)
        if holding is not None:
            held[ref.name] = holding
            for need in holding.needs:
                self._needed[need] += 1
            self._uncertain[ref.type] += holding.unknown
        if before is not None:
            self._uncertain[ref.type] -= before.unknown
            for need in before.needs:
                self._needed[need] -= 1
                if not self._needed[need]:
                    del self._needed[need]

    def needs(self, ref: Ref) -> bool:
        """Whether a known version of something held, or possibly held, needs this one."""
        return self._needed[ref] > 0

    def uncertain(self, type_url: TypeUrl) -> bool:
        """Whether something of this type is held at a version that nobody here knows."""
        return self._uncertain[type_url] > 0

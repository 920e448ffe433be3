"""What goes into a stream and comes out of it: requests, answers, and what a variant of xDS can say.

May import `snapshot` and `names`. The two codecs turn bytes into requests and answers into bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from rpds import HashTrieMap

from meshctl.names import TypeUrl
from meshctl.snapshot import Resource


@dataclass(frozen=True, slots=True)
class Replace:
    """A state-of-the-world request: these are all the names wanted.

    `version`: on the first request of a stream, what the client holds; it cannot say which resources.
    """

    names: frozenset[str]
    version: str = ""


@dataclass(frozen=True, slots=True)
class Amend:
    """A delta request: names added to and taken from what is wanted.

    `versions`: on the first request of a stream, the version of each resource that the client holds.
    """

    subscribe: frozenset[str] = frozenset()
    unsubscribe: frozenset[str] = frozenset()
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a client. `error` is what it says against the answer of this nonce, None if nothing."""

    type: TypeUrl
    names: Replace | Amend
    nonce: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """One answer. `upserts` and `removed` are the difference from what the client has.

    `state` is all that it shall hold, for types whose state-of-the-world answers must be complete, else
    None. `attempt` counts the refusals of this type before, so that no version text is used twice: Envoy
    ignores an answer that carries the version it already has (envoyproxy/envoy#12592).
    """

    type: TypeUrl
    nonce: str
    upserts: tuple[Resource, ...]
    removed: tuple[str, ...] = ()
    state: "HashTrieMap[str, Resource] | None" = field(default=None, repr=False)
    attempt: int = 0

    @property
    def version(self) -> str:
        """The answer as one word for people: a hash of names and versions of the difference."""
        return digest(self.upserts, self.removed)


def digest(resources: tuple[Resource, ...], removed: tuple[str, ...] = ()) -> str:
    """A version for several resources together, the same whatever their order."""
    words = sorted(f"{one.key.name}\0{one.version}" for one in resources)
    words += (f"-{name}" for name in sorted(removed))
    return sha256("\n".join(words).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a variant of the protocol has words for.

    `removals`: types of which it can say that a resource is gone. `missing`: types of which it can say
    that a name which was asked for does not exist. `whole`: types whose answers say everything that the
    client holds.
    """

    removals: frozenset[TypeUrl]
    missing: frozenset[TypeUrl]
    whole: frozenset[TypeUrl]

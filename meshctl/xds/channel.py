"""One type of resource on one stream: what is wanted, what is on its way, what was refused.

May import `snapshot`, `fleet` and `names`. Plain state; the stream moves it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from rpds import HashTrieMap

from meshctl.fleet.fleet import Refusal, TypeStatus
from meshctl.names import Ref
from meshctl.snapshot import Resource
from meshctl.xds.events import Send
from meshctl.xds.subscription import Subscription
from meshctl.xds.trials import Trials
from meshctl.xds.types import ResourceType


@dataclass(frozen=True, slots=True)
class Waiting:
    """A name that cannot go out yet: since when, and for what; `hopeless`: the node refused all of that."""

    since: float
    refs: tuple[Ref, ...]
    hopeless: bool


@dataclass(frozen=True, slots=True)
class Retry:
    """When what was refused for a passing cause goes out again, None: it does now; and after how long."""

    version: str
    at: float | None
    after: float


@dataclass(slots=True)
class Channel:
    """The state of one type on one stream.

    `dirty`: names that may differ from what the client has; `since` when there was first something to send.
    `again`: names to be sent even if they do not.
    `rewarm`: endpoints to be repeated, as the client has them, because their cluster changed.
    `absent`: names to be told as not existing, once. `partial`: names sent without some of their parts.
    `leaving`: names that the view lacks, and since when nothing needs them. `joined`: what the view lacks
    and the client shall have for now, as a first complete answer must hold it, or its successor was refused;
    `yielded`: what the client had of the names that the last answer took away. `state`: what it shall hold.
    `opaque`: the client holds something of the version `told`, and cannot say what.
    `owed`: the first answer to a wildcard, which is sent even if it is empty. `parked`: why nothing more goes
    out until the view changes, as leaving out the refused would delete what the client holds; else "".
    `changed`: when the oldest change of a name that is not sent yet was published; `told_since`: the same for
    the answer that was sent last, None if it carries no change. Both are for measuring alone.
    """

    row: ResourceType
    subscription: Subscription
    dirty: set[str] = field(default_factory=set)
    since: float = 0.0
    again: set[str] = field(default_factory=set)
    rewarm: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    partial: set[str] = field(default_factory=set)
    leaving: dict[str, float | None] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    joined: dict[str, Resource] = field(default_factory=dict)
    yielded: dict[str, Resource] = field(default_factory=dict)
    refused: dict[str, Refusal] = field(default_factory=dict)
    retries: dict[str, Retry] = field(default_factory=dict)
    trials: Trials = field(default_factory=Trials)
    state: "HashTrieMap[str, Resource]" = field(default_factory=HashTrieMap)
    inflight: Send | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    opaque: bool = False
    told: str = ""
    owed: bool = False
    parked: str = ""
    refusals: int = 0
    changed: dict[str, float] = field(default_factory=dict)
    told_since: float | None = None
    status: TypeStatus = field(default_factory=lambda: TypeStatus(""))

    @classmethod
    def of(cls, row: ResourceType) -> "Channel":
        """A type that the client has just asked for."""
        return cls(row, Subscription(wildcard=row.wildcard), status=TypeStatus(row.short))

    def ref(self, name: str) -> Ref:
        """The name as one of this type."""
        return Ref(self.row.url, name)

    @property
    def seen(self) -> bool:
        """Whether the client ever asked for this type."""
        return self.subscription.seen

    def mark(self, names: Iterable[str], now: float) -> None:
        """These names may differ from what the client has."""
        if not self.unsent:
            self.since = now
        self.dirty.update(names)

    def note(self, name: str, since: float) -> None:
        """A change of this name was published then; an older one that is not sent yet counts."""
        if name not in self.dirty:
            self.changed.pop(name, None)  # of what was settled without an answer
        self.changed.setdefault(name, since)

    def take_noted(self, names: Iterable[str]) -> float | None:
        """When the oldest change of these names was published, which go out now."""
        found = (self.changed.pop(name, None) for name in names)
        return min((since for since in found if since is not None), default=None)

    def forget(self, name: str) -> None:
        """The client no longer wants this name: it dropped it, and nothing is owed."""
        self.dirty |= self.trials.changed(name)
        for names in (self.dirty, self.again, self.rewarm, self.absent, self.partial):
            names.discard(name)
        for table in (self.leaving, self.waiting, self.joined, self.refused, self.retries, self.changed):
            table.pop(name, None)
        self.state = self.state.discard(name)

    def refuse(self, refusal: Refusal, after: float | None) -> None:
        """A name was refused; `after` so many seconds it is tried again, None: when it changes."""
        name, known = refusal.ref.name, self.refused.get(refusal.ref.name)
        same = known is not None and known.version == refusal.version and known.reason == refusal.reason
        self.refused[name] = known if same and known is not None else refusal
        self.retries.pop(name, None)
        if after is not None:
            self.retries[name] = Retry(refusal.version, refusal.since + after, after)

    def retry(self, now: float) -> None:
        """What was refused for a passing cause goes out again, where it has waited long enough."""
        for name, one in self.retries.items():
            if one.at is not None and one.at <= now:
                self.retries[name] = replace(one, at=None)
                self.unpark()
                self.mark((name,), now)

    def is_retried(self, name: str) -> bool:
        """Whether a refused name goes out again now."""
        return name in self.retries and self.retries[name].at is None

    def accept(self, name: str, version: str = "") -> None:
        """A name was accepted, or is of this version now: what was refused of another is over."""
        self.refused.pop(name, None)
        if name in self.retries and self.retries[name].version != version:
            del self.retries[name]

    def unpark(self) -> None:
        """Something changed that may make the client accept what it refused."""
        if self.parked:
            self.parked = ""
            self.refused.clear()

    @property
    def settled(self) -> bool:
        """Whether there is nothing to send, nothing unanswered and nothing that must leave."""
        return self.taken and not self.leaving

    @property
    def taken(self) -> bool:
        """Whether there is nothing to send and nothing unanswered; something may have to leave yet."""
        return not (self.unsent or self.inflight)

    @property
    def unsent(self) -> bool:
        """Whether something would be sent as soon as it may."""
        waits = self.dirty or self.again or self.rewarm or self.absent or self.owed
        return bool(waits) or self.trials.pending

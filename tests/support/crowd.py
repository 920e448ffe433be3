"""Many nodes of one view, each on a stream without I/O, that refuse endpoints and blame nobody."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from meshctl.fleet.search import Search
from meshctl.names import ENDPOINTS, Ref
from meshctl.snapshot import Resource
from meshctl.xds import delta
from meshctl.xds.events import Amend, Request, Send
from meshctl.xds.ordering import NeedsOrder
from meshctl.xds.stream import Stream
from tests.support.xds_run import NODE
from tests.support.xds_world import Published

NOW = 100.0


class Everybody(Search["Member"]):
    """Each node looks by itself, and is told nothing."""

    def has_turn(self, who: "Member") -> bool:
        return True

    def is_found(self, version: tuple[Ref, str]) -> bool:
        return False


@dataclass(eq=False)
class Member:
    """One node. `refuses` are versions; `held` what it has, `receipts` how often it was given a version."""

    refuses: Collection[str]
    stream: Stream
    held: dict[str, str] = field(default_factory=dict)
    receipts: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    refusals: int = 0

    def answer(self, sent: Send) -> None:
        """Take an answer whole, or refuse it whole."""
        self.answers += 1
        versions = {one.key.name: one.version for one in sent.upserts}
        self.receipts.update(versions.values())
        error = "malformed IP address: x" if any(one in self.refuses for one in versions.values()) else None
        if error is None:
            self.held.update(versions)
        self.refusals += error is not None
        self.stream.receive(Request(sent.type, Amend(), sent.nonce, error), NOW)


class Crowd:
    """All nodes of a view, and the server's part that wakes them."""

    def __init__(self, refuses: Iterable[Collection[str]], search: Search[Member]) -> None:
        """For each node the versions that it refuses."""
        self._world, self._search = Published(), search
        self._awake: deque[Member] = deque()
        self._sent: dict[Member, list[Send]] = {}
        self.members = [Member(one, _stream()) for one in refuses]

    def join(self, names: Collection[str]) -> None:
        """All nodes ask for these endpoints."""
        for one in self.members:
            one.stream.receive(Request(ENDPOINTS, Amend(frozenset(names)), ""), NOW)

    def publish(self, resources: Iterable[Resource]) -> None:
        """The view holds exactly these now."""
        view = self._world.publish(resources)
        for one in self.members:
            self._ready(one)
            one.stream.publish(view, NOW)
        self._awake.extend(self.members)

    def leave(self, one: Member) -> None:
        """A node's stream ends."""
        self.members.remove(one)
        self._sent.pop(one, None)
        self._awake.extend(self._search.leave(one))

    def play(self, steps: int | None = None) -> None:
        """Let everybody who was woken go on, and answer what is sent; until nobody has anything to do."""
        while (self._awake or self._sent) and steps != 0:
            steps = None if steps is None else steps - 1
            if self._awake:
                self._turn(self._awake.popleft())
            else:
                one = next(iter(self._sent))
                self._ready(one)
                for sent in self._sent.pop(one):
                    one.answer(sent)
                self._awake.append(one)

    def _turn(self, one: Member) -> None:
        if one not in self.members:
            return
        self._ready(one)
        one.stream.tick(NOW)
        if sends := one.stream.take_effects():
            self._sent.setdefault(one, []).extend(sends)
        refused = frozenset((each.ref, each.version) for each in one.stream.status(NOW).refusals)
        self._awake.extend(self._search.tell(one, refused, in_doubt=one.stream.in_doubt(NOW)))

    def _ready(self, one: Member) -> None:
        one.stream.search(self._search.is_found, turn=self._search.has_turn(one))


def wanted(member: Member, good: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """What a node holds in the end: all that is new but what it refuses, of which it keeps the good."""
    return {name: good[name] if version in member.refuses else version for name, version in new.items()}


def _stream() -> Stream:
    return Stream(NODE, ordering=NeedsOrder(30.0), dialect=delta.DIALECT, now=NOW)

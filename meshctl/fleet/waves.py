"""One change on its way through the nodes of one view, wave by wave: who is next, and who it waits for.

May import `names` and `units`. Pure: the time is an argument, events come in, and `step` says what to do.
What the change is, and what nodes are given, is known elsewhere.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from meshctl.fleet.fleet import NodeStatus, Refusal
from meshctl.fleet.silence import SILENCE, Asked
from meshctl.names import Ref
from meshctl.units import Percent

Share = int | Percent
"""How many nodes a wave reaches, with those before it: a number of them, or a part of all."""

RETURN = 30.0
"""Seconds within which nodes are back after a restart of the server: the longest back-off of an Envoy whose
bootstrap does not say it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The shares of the waves, ascending to all, and the seconds between one that is reached and the next."""

    shares: tuple[Share, ...]
    hold: float


@dataclass(frozen=True, slots=True)
class Lead:
    """These nodes, by id, are given the change now, beside those that have it."""

    nodes: frozenset[str]


@dataclass(frozen=True, slots=True)
class End:
    """The change has reached all: whoever comes gets it too."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run does not go on: this node refused something of it, or has not taken it (no refusal)."""

    node: str
    refusal: Refusal | None = None


def size(share: Share, nodes: int) -> int:
    """How many of so many nodes a share is: at least one, rounded up, and no more than there are."""
    number = -(-nodes * share.basis_points // 10_000) if isinstance(share, Percent) else min(share, nodes)
    return max(1, number)


def ordered(nodes: Iterable[str], sick: Iterable[str] = ()) -> Sequence[str]:
    """Nodes in the order in which waves take them: always the same, but those that are `sick` last.

    By a hash of their ids: else the first host by name would be first in every view.
    """
    last = frozenset(sick)
    return sorted(nodes, key=lambda node: (node in last, sha256(node.encode()).digest()))


class Run:
    """A change that runs through a view. `revision` is the one at which the leaders were given it.

    `sick`, kept by the caller: connected nodes that refused something, or hang; they are taken last.
    """

    def __init__(
        self,
        pace: Pace,
        leaders: Iterable[str],
        moving: Mapping[Ref, str],
        now: float,
        *,
        revision: int,
        counts_from: float = 0.0,
    ) -> None:
        """`moving` are the versions by name that make the change, "" for what it takes away.

        The nodes that are connected count as all there are from `counts_from` on, but for the first wave.
        """
        self.pace, self.since, self.wave_since, self._revision = pace, now, now, revision
        self.sick: Collection[str] = ()
        self._leaders, self._moving, self._counts_from = set(leaders), dict(moving), counts_from
        self._connected: Counter[str] = Counter()
        # Connected leaders that have not taken it, since when they may; the longest first.
        self._missing: dict[str, float] = {}
        self._refusing: dict[str, tuple[Refusal, ...]] = {}  # of the change, by node; never none
        self._asked = Asked()
        self._away: dict[str, float] = dict.fromkeys(self._leaders, now)
        self._reached_at: float | None = None
        self._wave = 0
        self._in_first, self._second, self._trying = True, False, False  # a second node: tried, being taken
        self._excused: set[str] = set()  # failed in the first wave, where another node took it

    @property
    def leaders(self) -> frozenset[str]:
        """The nodes that were given the change."""
        return frozenset(self._leaders)

    def is_led(self, node: str) -> bool:
        """Whether this node was given the change."""
        return node in self._leaders

    @property
    def wave(self) -> int:
        """The number of the wave that goes on, from 1."""
        return self._wave + 1

    @property
    def nodes(self) -> int:
        """How many nodes are connected."""
        return len(self._connected)

    @property
    def reached(self) -> int:
        """How many connected nodes have taken the change."""
        return self._led - len(self._missing) - len(self._refusing)

    @property
    def waits_for(self) -> Sequence[str]:
        """The connected nodes that were given it and have not taken it."""
        return sorted({*self._missing, *self._refusing})

    def returns_until(self, now: float) -> float | None:
        """Until when it goes no further, since nodes may come back after a start; None: that is not why."""
        return self._counts_from if self._reached_at is not None and not self._may_count(now) else None

    def goes_on_at(self, now: float) -> float | None:
        """When the next nodes are given it, all that have it having taken it; None while that is not so."""
        return self._next_at if self._reached_at is not None and now < self._next_at else None

    @property
    def is_last(self) -> bool:
        """Whether the wave that goes on is the one to all."""
        return self._wave == len(self.pace.shares) - 1

    def keep(self, pace: Pace) -> None:
        """From now on the waves are these; which of them goes on is counted anew from who has the change."""
        if pace.shares != self.pace.shares:
            self._wave = 0
        self.pace = pace

    def join(self, node: str, now: float) -> None:
        """A stream of this node opened."""
        self._connected[node] += 1
        self._away.pop(node, None)
        if node in self._leaders and self._connected[node] == 1:
            self._missing[node] = now
            self._asked.forget(node)
            self._reached_at = None

    def leave(self, node: str, now: float) -> None:
        """A stream of this node ended."""
        self._connected[node] -= 1
        if self._connected[node] > 0:
            return
        del self._connected[node]
        self._missing.pop(node, None)
        self._refusing.pop(node, None)
        if node in self._leaders:
            self._away[node] = now
        self._note_reached(now)

    def hear(self, status: NodeStatus, now: float) -> None:
        """What is known of a connected node has changed."""
        node = status.node.id
        if node not in self._leaders or node not in self._connected:
            return
        refusals = tuple(one for one in status.refusals if self._is_part(one))
        self._refusing.pop(node, None)
        if refusals:
            self._refusing[node] = refusals
            self._missing.pop(node, None)
        elif status.reached >= self._revision:
            self._missing.pop(node, None)
        else:
            self._missing.setdefault(node, now)
        if node in self._missing:
            self._asked.hear(status, self._missing[node])
        else:
            self._asked.forget(node)
        self._note_reached(now)

    def amend(self, moving: Mapping[Ref, str], now: float) -> None:
        """The change became another under way: a part of it was taken back, or weights were shifted."""
        self._moving = dict(moving)
        for node, refusals in tuple(self._refusing.items()):
            left = tuple(one for one in refusals if self._is_part(one))
            if left:
                self._refusing[node] = left
            else:
                del self._refusing[node]
                self._missing[node] = now

    def lead(self, nodes: Iterable[str], now: float, *, revision: int) -> None:
        """These nodes were given the change, at this revision."""
        new = set(nodes) - self._leaders
        self._in_first = self._trying or not self._leaders
        self._trying = False
        self._leaders |= new
        self._missing.update(dict.fromkeys(new & self._connected.keys(), now))
        self._away.update(dict.fromkeys(new - self._connected.keys(), now))
        self._revision, self.wave_since, self._reached_at = revision, now, None

    def step(self, now: float) -> Lead | End | None:
        """What is to be done now, None: nothing before the next event or `deadline`."""
        if self.silent(now):
            return None
        if not self._led:
            return self._first(now)
        if (second := self._try_second(now)) is not None:
            return second
        self._pass_over(now)
        if self.is_last and self._may_count(now):
            return End() if self._is_over(now) else None
        if self._reached_at is None or now < self._next_at:
            return None
        # The first wave that more nodes belong to than have it: the one that goes on, if it was not given to
        # so many yet, as after an edit of the shares.
        sizes = (size(share, self.nodes) for share in self.pace.shares[self._wave :])
        return self._take(next((number for number in sizes if number > self._led), 0) - self._led)

    def deadline(self, now: float) -> float | None:
        """When to call `step` again if nothing happens before."""
        times = [since + SILENCE for since in self._ends_of_missing()]
        if not self._led and self._away and self._connected:
            times.append(self._given_up_at)
        if self._reached_at is not None:
            times.append(self._next_at)
        if (silent_at := self._silent_at) is not None:
            times.append(silent_at)
        if self._refusing or self._missing:
            times.append(self._counts_from)  # one that fails is known then for the only one there is
        return min((time for time in times if time > now), default=None)

    def stop(self, now: float) -> Stop | None:
        """Why the run does not go on by itself, None if it does."""
        if silent := self.silent(now):
            return Stop(min(silent))
        if self._in_first and self._second and not self._all_failed(now):
            return None  # the second node has not answered yet, or took it
        refusing = [node for node in self._refusing if node not in self._excused]
        if refusing and not (self.is_last and self.reached):
            return Stop(min(refusing), self._refusing[min(refusing)][0])
        waits = ((node, since) for node, since in self._missing.items() if node not in self._excused)
        node, since = next(waits, ("", now))
        return Stop(node) if now - since >= SILENCE else None

    def condemned(self, now: float) -> Sequence[Refusal]:
        """What the change is to blame for and no node: the first node and a second one, or the only one there
        is, refused it, or one did and the other is silent. One of the refusals for each resource; none for a
        cause that lies in a node's machine.
        """
        if not (self._in_first and self._refusing and self._all_failed(now) and self._tried(now)):
            return ()
        first, *others = self._refusing.values()
        said = [{(one.ref, one.version) for one in refusals} for refusals in others]
        return [
            one
            for one in first
            if not one.passing and all((one.ref, one.version) in versions for versions in said)
        ]

    def silent(self, now: float) -> frozenset[str]:
        """The first node and a second one, or the only one there is, where none of them answered what it was
        sent of the change; else none. Also those whose streams ended so.
        """
        silent_at = self._silent_at
        late = silent_at is not None and now >= silent_at
        return frozenset(self._leaders) if late and self._tried(now) else frozenset()

    def is_superseded(self, names: Collection[Ref], now: float) -> bool:
        """Whether a newer change of these names takes the place of the run: it is stopped.

        A node that refused something is given what changes beside it; one that is silent, only a repair.
        """
        stop = self.stop(now)
        if stop is None:
            return False
        return stop.refusal is not None or not self._moving.keys().isdisjoint(names)

    def heirs(self, now: float) -> frozenset[str]:
        """Who leads a run that takes the place of this one: those of its first wave; none for another run."""
        is_first = self._in_first and self._led > 0 and self.stop(now) is not None
        return frozenset(self._leaders) if is_first and not self.silent(now) else frozenset()

    @property
    def _led(self) -> int:
        return len(self._leaders) - len(self._away)

    @property
    def _silent_at(self) -> float | None:
        return self._asked.silent_at(self._leaders) if self._in_first else None

    @property
    def _given_up_at(self) -> float:
        return max(self._away.values()) + SILENCE

    @property
    def _next_at(self) -> float:
        return max((self._reached_at or 0.0) + self.pace.hold, self._counts_from)

    def _first(self, now: float) -> Lead | None:
        """Nobody who was given the change is here: somebody else is taken, if they do not come back soon."""
        if not self._connected or (self._away and now < self._given_up_at):
            return None
        lead = self._take(size(self.pace.shares[self._wave], self.nodes))
        self._trying = self._in_first and lead is not None
        self._second |= self._trying and self._silent_at is not None  # they were asked, and left in silence
        return lead

    def _try_second(self, now: float) -> Lead | None:
        """The first node failed, and that may be the node's own fault: another one is tried, once."""
        if self._second or not self._in_first or not self._all_failed(now):
            return None
        if self._led > size(self.pace.shares[0], self.nodes):
            return None  # two were tried by the run before, which this one took the place of
        lead = self._take(1)
        self._second = self._trying = lead is not None
        return lead

    def _tried(self, now: float) -> bool:
        """Whether nobody is left whom the first wave could show to be wrong."""
        alone = self._may_count(now) and self.nodes > 0 and self._connected.keys() <= self._leaders
        return self._second or alone or self._led > size(self.pace.shares[0], self.nodes)

    def _all_failed(self, now: float) -> bool:
        """Whether all connected nodes that were given it refused it, or have been silent for too long."""
        late = all(now - since >= SILENCE for since in self._ends_of_missing())
        return late and len(self._missing) + len(self._refusing) == self._led

    def _take(self, number: int) -> Lead | None:
        free = ordered(self._connected.keys() - self._leaders, self.sick)
        return Lead(frozenset(free[:number])) if free and number > 0 else None

    def _pass_over(self, now: float) -> None:
        """A wave whose number of nodes is reached already is over before it began."""
        while not self.is_last and self._may_count(now):
            if size(self.pace.shares[self._wave + 1], self.nodes) > self._led:
                return
            self._wave += 1

    def _may_count(self, now: float) -> bool:
        return now >= self._counts_from

    def _is_over(self, now: float) -> bool:
        """In the last wave nothing is held back by waiting: one node that took it is enough, late or not."""
        late = all(now - since >= SILENCE for since in self._ends_of_missing())
        return self.reached > 0 and late

    def _ends_of_missing(self) -> Sequence[float]:
        """Since when the first and the last of those are awaited that have not taken it."""
        times = self._missing.values()
        return (next(iter(times)), next(reversed(times))) if times else ()

    def _note_reached(self, now: float) -> None:
        waiting = len(self._missing) + len(self._refusing)
        if self._second and self._in_first and waiting < self._led:
            self._excused = {*self._missing, *self._refusing}
        excused = sum(node in self._missing or node in self._refusing for node in self._excused)
        if waiting > excused or not self._led:
            self._reached_at = None
        elif self._reached_at is None:
            self._reached_at = now

    def _is_part(self, refusal: Refusal) -> bool:
        return self._moving.get(refusal.ref) == refusal.version

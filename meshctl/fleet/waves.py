"""One change on its way through the nodes of one view, wave by wave: who is next, and who it waits for.

May import its neighbours and `names`. Pure: the time is an argument, events come in, and `step` says what to
do. What the change is, and what nodes are given, is known elsewhere.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from meshctl.fleet.fleet import NodeStatus, Refusal
from meshctl.fleet.leaders import Leaders
from meshctl.fleet.pace import Pace, ordered, size
from meshctl.names import Ref


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
        self.pace, self.since, self.wave_since = pace, now, now
        self.sick: Collection[str] = ()
        self._leaders, self._counts_from = Leaders(leaders, moving, now, revision), counts_from
        self._reached_at: float | None = None
        self._wave = 0
        self._in_first, self._second, self._trying = True, False, False  # a second node: tried, being taken
        self._excused: frozenset[str] = frozenset()  # failed in the first wave, where another node took it

    @property
    def leaders(self) -> frozenset[str]:
        """The nodes that were given the change."""
        return frozenset(self._leaders.nodes)

    def is_led(self, node: str) -> bool:
        """Whether this node was given the change."""
        return node in self._leaders.nodes

    @property
    def wave(self) -> int:
        """The number of the wave that goes on, from 1."""
        return self._wave + 1

    @property
    def nodes(self) -> int:
        """How many nodes are connected."""
        return len(self._leaders.connected)

    @property
    def reached(self) -> int:
        """How many connected nodes have taken the change."""
        return self._leaders.taken

    @property
    def waits_for(self) -> Sequence[str]:
        """The connected nodes that were given it and have not taken it."""
        return sorted(self._leaders.waiting)

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
        if self._leaders.join(node, now):
            self._reached_at = None

    def leave(self, node: str, now: float) -> None:
        """A stream of this node ended."""
        if self._leaders.leave(node, now):
            self._note_reached(now)

    def hear(self, status: NodeStatus, now: float) -> None:
        """What is known of a connected node has changed."""
        if self._leaders.hear(status, now):
            self._note_reached(now)

    def amend(self, moving: Mapping[Ref, str], now: float) -> None:
        """The change became another under way: a part of it was taken back, or weights were shifted."""
        self._leaders.amend(moving, now)

    def lead(self, nodes: Iterable[str], now: float, *, revision: int) -> None:
        """These nodes were given the change, at this revision."""
        self._in_first = self._trying or not self._leaders.nodes
        self._trying = False
        self._leaders.add(nodes, now, revision)
        self.wave_since, self._reached_at = now, None

    def step(self, now: float) -> Lead | End | None:
        """What is to be done now, None: nothing before the next event or `deadline`."""
        if self.silent(now):
            return None
        if not self._leaders.present:
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
        led, shares = self._leaders.present, self.pace.shares[self._wave :]
        sizes = (size(share, self.nodes) for share in shares)
        return self._take(next((number for number in sizes if number > led), 0) - led)

    def deadline(self, now: float) -> float | None:
        """When to call `step` again if nothing happens before."""
        leaders = self._leaders
        times = [*leaders.late_at, self._silent_at]
        if not leaders.present and self.nodes:
            times.append(leaders.given_up_at)
        if self._reached_at is not None:
            times.append(self._next_at)
        if leaders.waiting:
            times.append(self._counts_from)  # one that fails is known then for the only one there is
        return min((time for time in times if time is not None and time > now), default=None)

    def stop(self, now: float) -> Stop | None:
        """Why the run does not go on by itself, None if it does."""
        if silent := self.silent(now):
            return Stop(min(silent))
        leaders = self._leaders
        if self._in_first and self._second and not leaders.all_failed(now):
            return None  # the second node has not answered yet, or took it
        refusing = leaders.refusing.keys() - self._excused
        if refusing and not (self.is_last and self.reached):
            return Stop(min(refusing), leaders.refusing[min(refusing)][0])
        late = leaders.late(now, self._excused)
        return None if late is None else Stop(late)

    def condemned(self, now: float) -> Sequence[Refusal]:
        """What the change is to blame for and no node: the first node and a second one, or the only one there
        is, refused it, or one did and the other is silent. One of the refusals for each resource; none for a
        cause that lies in a node's machine.
        """
        leaders = self._leaders
        failed = self._in_first and leaders.refusing and leaders.all_failed(now) and self._tried(now)
        return leaders.refused_by_all() if failed else ()

    def silent(self, now: float) -> frozenset[str]:
        """The first node and a second one, or the only one there is, where none of them answered what it was
        sent of the change; else none. Also those whose streams ended so.
        """
        silent_at = self._silent_at
        late = silent_at is not None and now >= silent_at
        return self.leaders if late and self._tried(now) else frozenset()

    def is_superseded(self, names: Collection[Ref], now: float) -> bool:
        """Whether a newer change of these names takes the place of the run: it is stopped.

        A node that refused something of it is given what changes beside it; one that has not taken it, only
        a repair: of the change, or of what it refuses beside it.
        """
        stop = self.stop(now)
        return stop is not None and (stop.refusal is not None or self._leaders.concerned(names))

    def is_overtaken(self, names: Collection[Ref], now: float) -> bool:
        """Whether a change of these names that waits takes the place of the run: it was stopped meanwhile.

        Not where something is known to be wrong with the run, which is then held back.
        """
        to_blame = self.silent(now) or self.condemned(now)
        return bool(names) and not to_blame and self.is_superseded(names, now)

    def heirs(self, now: float) -> frozenset[str]:
        """Who leads a run that takes the place of this one: those of its first wave; none for another run."""
        is_first = self._in_first and self._leaders.present > 0 and self.stop(now) is not None
        return self.leaders if is_first and not self.silent(now) else frozenset()

    @property
    def _silent_at(self) -> float | None:
        return self._leaders.silent_at if self._in_first else None

    @property
    def _next_at(self) -> float:
        return max((self._reached_at or 0.0) + self.pace.hold, self._counts_from)

    def _first(self, now: float) -> Lead | None:
        """Nobody who was given the change is here: somebody else is taken, if they do not come back soon."""
        given_up_at = self._leaders.given_up_at
        if not self.nodes or (given_up_at is not None and now < given_up_at):
            return None
        lead = self._take(size(self.pace.shares[self._wave], self.nodes))
        self._trying = self._in_first and lead is not None
        self._second |= self._trying and self._silent_at is not None  # they were asked, and left in silence
        return lead

    def _try_second(self, now: float) -> Lead | None:
        """The first node failed, and that may be the node's own fault: another one is tried, once."""
        if self._second or not self._in_first or not self._leaders.all_failed(now):
            return None
        if self._exceeds_first():
            return None  # two were tried by the run before, which this one took the place of
        lead = self._take(1)
        self._second = self._trying = lead is not None
        return lead

    def _tried(self, now: float) -> bool:
        """Whether nobody is left whom the first wave could show to be wrong."""
        alone = self._may_count(now) and self.nodes > 0 and self._leaders.connected.keys() <= self.leaders
        return self._second or alone or self._exceeds_first()

    def _exceeds_first(self) -> bool:
        """Whether more nodes were given the change than belong to the first wave."""
        return self._leaders.present > size(self.pace.shares[0], self.nodes)

    def _take(self, number: int) -> Lead | None:
        free = ordered(self._leaders.connected.keys() - self._leaders.nodes, self.sick)
        return Lead(frozenset(free[:number])) if free and number > 0 else None

    def _pass_over(self, now: float) -> None:
        """A wave whose number of nodes is reached already is over before it began."""
        while not self.is_last and self._may_count(now):
            if size(self.pace.shares[self._wave + 1], self.nodes) > self._leaders.present:
                return
            self._wave += 1

    def _may_count(self, now: float) -> bool:
        return now >= self._counts_from

    def _is_over(self, now: float) -> bool:
        """In the last wave nothing is held back by waiting: one node that took it is enough, late or not."""
        return self.reached > 0 and self._leaders.all_late(now)

    def _note_reached(self, now: float) -> None:
        leaders = self._leaders
        if self._second and self._in_first and leaders.taken:
            self._excused = leaders.waiting
        excused = sum(node in leaders.missing or node in leaders.refusing for node in self._excused)
        if leaders.present - leaders.taken > excused or not leaders.present:
            self._reached_at = None
        elif self._reached_at is None:
            self._reached_at = now

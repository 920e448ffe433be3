"""Who was given one change in one view, and what became of it there: taken, refused, awaited, or gone away.

May import its neighbours and `names`. Pure: the time is an argument, and events come in. What follows from it
is decided by `fleet.waves`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from meshctl.fleet.fleet import NodeStatus, Refusal
from meshctl.fleet.silence import SILENCE, Asked
from meshctl.names import Ref


class Leaders:
    """The nodes, by id, that were given a change, among all of a view that are `connected`.

    Of the connected ones, those in `refusing` refused something of it, those in `missing` have not taken it,
    since when they may (the longest first), and the others have.
    """

    def __init__(self, nodes: Iterable[str], moving: Mapping[Ref, str], now: float, revision: int) -> None:
        """They were given it at this revision; `moving`: what it is, as `fleet.waves.Run` says."""
        self.nodes, self.connected = set(nodes), Counter[str]()
        self.missing: dict[str, float] = {}
        self.refusing: dict[str, tuple[Refusal, ...]] = {}  # never none
        self._hindering: dict[str, frozenset[Ref]] = {}  # what those in `missing` refuse beside it
        self._asked = Asked()
        self._away: dict[str, float] = dict.fromkeys(self.nodes, now)
        self._moving, self._revision = dict(moving), revision

    @property
    def present(self) -> int:
        """How many of them are connected."""
        return len(self.nodes) - len(self._away)

    @property
    def waiting(self) -> frozenset[str]:
        """Those that are connected and have not taken it."""
        return frozenset({*self.missing, *self.refusing})

    @property
    def taken(self) -> int:
        """How many connected ones have taken it."""
        return self.present - len(self.missing) - len(self.refusing)

    @property
    def silent_at(self) -> float | None:
        """From when all of them are silent, if none answers before; None: one of them owes no answer."""
        return self._asked.silent_at(self.nodes)

    @property
    def late_at(self) -> Sequence[float]:
        """When the first and the last of those are late that have not taken it."""
        times = self.missing.values()
        return (next(iter(times)) + SILENCE, next(reversed(times)) + SILENCE) if times else ()

    @property
    def given_up_at(self) -> float | None:
        """Until when those are awaited that are not connected; None: there are none."""
        return max(self._away.values()) + SILENCE if self._away else None

    def all_late(self, now: float) -> bool:
        """Whether all that have neither taken nor refused it have left it for too long."""
        return all(now >= at for at in self.late_at)

    def all_failed(self, now: float) -> bool:
        """Whether all that are connected refused it, or have left it for too long."""
        return self.all_late(now) and not self.taken

    def late(self, now: float, but: Collection[str]) -> str | None:
        """Who has left it for longest, and for too long, but for these; None: nobody."""
        missing = ((node, since) for node, since in self.missing.items() if node not in but)
        node, since = next(missing, (None, now))
        return node if now >= since + SILENCE else None

    def refused_by_all(self) -> Sequence[Refusal]:
        """What all who refuse something refuse, but for causes that lie in a node's machine."""
        first, *others = self.refusing.values()
        said = [{(one.ref, one.version) for one in refusals} for refusals in others]
        return [
            one
            for one in first
            if not one.passing and all((one.ref, one.version) in versions for versions in said)
        ]

    def concerned(self, names: Collection[Ref]) -> bool:
        """Whether any of these names is part of the change, or is refused by a node that has not taken it."""
        hindering = chain.from_iterable(self._hindering.values())
        return any(ref in self._moving for ref in names) or any(ref in names for ref in hindering)

    def join(self, node: str, now: float) -> bool:
        """A stream of this node opened. Returns whether it is one of them, and the first stream of it."""
        self.connected[node] += 1
        self._away.pop(node, None)
        if node not in self.nodes or self.connected[node] > 1:
            return False
        self.missing[node] = now
        self._asked.forget(node)
        return True

    def leave(self, node: str, now: float) -> bool:
        """A stream of this node ended. Returns whether it was the last."""
        self.connected[node] -= 1
        if self.connected[node] > 0:
            return False
        del self.connected[node]
        for known in (self.missing, self.refusing, self._hindering):
            known.pop(node, None)
        if node in self.nodes:
            self._away[node] = now
        return True

    def hear(self, status: NodeStatus, now: float) -> bool:
        """What is known of a connected node has changed. Returns whether it is one of them."""
        node = status.node.id
        if node not in self.nodes or node not in self.connected:
            return False
        refusals = self._parts(status.refusals)
        self.refusing.pop(node, None)
        if refusals:
            self.refusing[node] = refusals
            self.missing.pop(node, None)
        elif status.reached >= self._revision:
            self.missing.pop(node, None)
        else:
            self.missing.setdefault(node, now)
        self._hindering.pop(node, None)
        if node not in self.missing:
            self._asked.forget(node)
            return True
        self._asked.hear(status, self.missing[node])
        if status.refusals:
            self._hindering[node] = frozenset(one.ref for one in status.refusals)
        return True

    def amend(self, moving: Mapping[Ref, str], now: float) -> None:
        """The change became another under way: a part of it was taken back, or weights were shifted."""
        self._moving = dict(moving)
        for node, refusals in tuple(self.refusing.items()):
            if left := self._parts(refusals):
                self.refusing[node] = left
            else:
                del self.refusing[node]
                self.missing[node] = now

    def add(self, nodes: Iterable[str], now: float, revision: int) -> None:
        """These nodes were given it too, at this revision."""
        new = set(nodes) - self.nodes
        self.nodes |= new
        self.missing.update(dict.fromkeys(new & self.connected.keys(), now))
        self._away.update(dict.fromkeys(new - self.connected.keys(), now))
        self._revision = revision

    def _parts(self, refusals: Iterable[Refusal]) -> tuple[Refusal, ...]:
        """Those of what is part of the change."""
        return tuple(one for one in refusals if self._moving.get(one.ref) == one.version)

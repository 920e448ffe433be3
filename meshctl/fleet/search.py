"""Who of a view's nodes looks for the culprit where Envoys refuse several names and blame none of them.

May import its neighbours. One node at a time does, the first that asks; what it finds is told to the others,
who then leave that out. So what is refused is given to one node again and again, and not to all.
"""

from collections import Counter
from collections.abc import Collection
from typing import Generic, TypeVar

from meshctl.fleet.tally import Version

Who = TypeVar("Who")


class Search(Generic[Who]):
    """The search among the nodes of one view."""

    def __init__(self) -> None:
        """Nobody is in doubt."""
        self._asking: dict[Who, None] = {}  # the first has the turn
        self._refused: dict[Who, frozenset[Version]] = {}  # never nothing
        self._found: Counter[Version] = Counter()

    def has_turn(self, who: Who) -> bool:
        """Whether this node is the one that looks."""
        return next(iter(self._asking), None) == who

    def is_found(self, version: Version) -> bool:
        """Whether a node that is in doubt no longer refuses this."""
        return version in self._found

    def tell(self, who: Who, refused: frozenset[Version], *, in_doubt: bool) -> Collection[Who]:
        """What a node refuses now, and whether it would look for more. Returns who has reason to go on.

        What it finds counts once it looks no longer: else others would leave out one name after the other.
        """
        known, turn = self._refused.get(who, frozenset()), next(iter(self._asking), None)
        refused = refused & known if in_doubt else refused
        new = {one for one in refused - known if one not in self._found}
        if refused != known:
            self._count(who, known, refused)
        if in_doubt:
            self._asking.setdefault(who)
        else:
            self._asking.pop(who, None)
        if new:
            return tuple(self._asking)
        now = next(iter(self._asking), None)
        return () if now is None or now == turn else (now,)

    def leave(self, who: Who) -> Collection[Who]:
        """A node is gone. Returns who has reason to go on."""
        return self.tell(who, frozenset(), in_doubt=False)

    def _count(self, who: Who, known: frozenset[Version], refused: frozenset[Version]) -> None:
        self._refused.pop(who, None)
        if refused:
            self._refused[who] = refused
        self._found.update(refused - known)
        for one in known - refused:
            self._found[one] -= 1
            if not self._found[one]:
                del self._found[one]

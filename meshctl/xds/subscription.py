"""Which resources of one type a client wants: names, the wildcard in its old and new form.

Imports `events` of this package only. Knows nothing of what exists or was sent. The rules are those of
xDS REST and gRPC protocol, "How the client specifies what resources to return".
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from meshctl.xds.events import Amend, Replace

WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class Change:
    """What a request changed.

    `wanted`: names newly asked for; `again`: those among them that must be answered even if the client
    seems to have them. `dropped`: names that left the set; a wildcard may still cover them. `widened`,
    `narrowed`: the wildcard came or went.
    """

    wanted: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    widened: bool = False
    narrowed: bool = False


class Subscription:
    """The names of one type that one client wants on one stream."""

    def __init__(self, *, wildcard: bool) -> None:
        """`wildcard`: whether the type may be asked for as a whole."""
        self._may_widen = wildcard
        self._ever_named = False
        self._names: set[str] = set()
        self.wildcard = False
        self.seen = False

    @property
    def names(self) -> AbstractSet[str]:
        """What is asked for by name, as it is now."""
        return self._names

    def apply(self, request: Replace | Amend) -> Change:
        """Take in a request's names. Every request counts, also one with a stale nonce."""
        first, self.seen = not self.seen, True
        match request:
            case Replace(names):
                return self._replace(names)
            case Amend(subscribe, unsubscribe):
                return self._amend(subscribe, unsubscribe, first=first)

    def covers(self, name: str, *, by_name: bool = False) -> bool:
        """Whether the client wants this name; `by_name` ones are never covered by a wildcard."""
        return name in self._names or (self.wildcard and not by_name)

    def _replace(self, asked: frozenset[str]) -> Change:
        self._ever_named |= bool(asked)
        # No names at all means everything, until the first request that has some; then it means nothing.
        wildcard = WILDCARD in asked or not self._ever_named
        names = asked - {WILDCARD}
        added, dropped = names - self._names, frozenset(self._names - names)
        self._names = set(names)
        return self._become(added, frozenset(), dropped, wildcard=wildcard)

    def _amend(self, subscribe: frozenset[str], unsubscribe: frozenset[str], *, first: bool) -> Change:
        wildcard = self.wildcard or WILDCARD in subscribe or (first and not subscribe)
        if WILDCARD in unsubscribe:
            wildcard = False
        subscribe, unsubscribe = subscribe - {WILDCARD}, unsubscribe - {WILDCARD}
        # Asked for by name: to be sent, whatever the client seems to have, but for the first request of a
        # stream, which says what it has.
        again = frozenset[str]() if first else subscribe
        dropped = (unsubscribe & self._names) - subscribe
        # In place: a small request costs little, however much was asked for before.
        self._names |= subscribe
        self._names -= unsubscribe
        # Unsubscribed by name but covered by the wildcard: the client forgot it, so it is answered.
        forgotten = unsubscribe if wildcard and self.wildcard else frozenset[str]()
        wanted = (subscribe - unsubscribe) | forgotten
        return self._become(wanted, again | forgotten, dropped, wildcard=wildcard)

    def _become(
        self,
        wanted: frozenset[str],
        again: frozenset[str],
        dropped: frozenset[str],
        *,
        wildcard: bool,
    ) -> Change:
        wildcard = wildcard and self._may_widen
        widened, narrowed = wildcard and not self.wildcard, self.wildcard and not wildcard
        self.wildcard = wildcard
        return Change(wanted, again, dropped, widened=widened, narrowed=narrowed)

"""Who may open a stream now: how fast they come, in which order, and how many of them one node has.

Imports the limits beside it. No I/O and no clock: time is an argument, in seconds.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from typing import Generic, TypeVar

from meshctl.fleet.node import GRPC, Node
from meshctl.xds.limits import Limits, StreamEnd


class Bucket:
    """Allows `rate` a second, and `burst` at once after a pause."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._level, self._at = burst, 0.0

    def take(self, amount: float, now: float) -> float:
        """Take so much, and return for how many seconds it has to be waited for. Debts are paid in order."""
        self._level = self._level_at(now) - amount
        self._at = now
        return max(0.0, -self._level / self._rate)

    def wait_for(self, amount: float, now: float) -> float:
        """For how many seconds so much would have to be waited for. Takes nothing."""
        return max(0.0, (amount - self._level_at(now)) / self._rate)

    def _level_at(self, now: float) -> float:
        return min(self._burst, self._level + (now - self._at) * self._rate)


W = TypeVar("W")


class Line(Generic[W]):
    """New streams that wait for their turn.

    When a server comes back, its whole fleet comes back with it. Each new stream costs work that is missing
    to those that are being served, so they are taken at a rate. Hosts take turns, so that one which opens
    streams without end delays itself.
    """

    def __init__(self, limits: Limits) -> None:
        self._bucket = Bucket(limits.new_streams, limits.burst)
        self._waiting: OrderedDict[str, deque[W]] = OrderedDict()

    def join(self, host: str, waiter: W) -> None:
        """Stand behind those of the same host."""
        self._waiting.setdefault(host, deque()).append(waiter)

    def next(self, now: float) -> W | None:
        """Whose turn it is, once; None while it is nobody's."""
        if not self._waiting or self.due(now) > now:
            return None
        self._bucket.take(1.0, now)
        host, waiters = self._waiting.popitem(last=False)
        waiter = waiters.popleft()
        if waiters:
            self._waiting[host] = waiters
        return waiter

    def leave(self, host: str, waiter: W) -> None:
        """Wait no longer."""
        waiters = self._waiting.get(host)
        if waiters is not None and waiter in waiters:
            waiters.remove(waiter)
            if not waiters:
                del self._waiting[host]

    def due(self, now: float) -> float:
        """When the next turn comes."""
        return now + self._bucket.wait_for(1.0, now)

    def __bool__(self) -> bool:
        return bool(self._waiting)


def most_streams(node: Node, limits: Limits) -> int:
    """How many streams this node may have at a time; one more, and its oldest one ends.

    The newest wins: an Envoy opens a stream when it has given up the one before, so that is the one which is
    dead, though its connection may take 40 s to be seen as such. Refusing would be worse. A node that is
    refused may have just started, with nothing; one whose stream ends keeps what it has and comes back.
    """
    return limits.streams_per_client if node.client == GRPC else limits.streams_per_node


class Quiet:
    """Keeps one who repeats himself from filling the log: of each kind one line in `every` seconds."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._next: dict[StreamEnd, float] = {}
        self._unsaid: Counter[StreamEnd] = Counter()

    def unsaid(self, cause: StreamEnd, now: float) -> int | None:
        """How many lines of this kind were not written since the last one; None: do not write this one."""
        if now < self._next.get(cause, now):
            self._unsaid[cause] += 1
            return None
        self._next[cause] = now + self._every
        return self._unsaid.pop(cause, 0)

    def rest(self) -> Mapping[StreamEnd, int]:
        """How many lines of each kind were not written, and are counted in no later one."""
        rest, self._unsaid = self._unsaid, Counter()
        return rest

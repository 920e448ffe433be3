"""All nodes, connected or lately seen, and what each was sent, accepted and refused.

May import `names`. Pure: the time is an argument. Fed by the streams' shell; read by whoever shows the
fleet, and by whoever must know what a node may still hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from meshctl.fleet.node import Node
from meshctl.names import Ref

REMEMBERED = 3600.0
"""Seconds for which a node that left is shown, and what it may still hold is kept."""


_MOST_LEFT = 10_000
"""Nodes that left and are remembered: as many as can be connected. A node makes up its own id."""


class NodeState(Enum):
    """What a node is doing, in the words that people see."""

    SYNCED = "synced"
    SENDING = "sending"
    WAITING = "waiting"
    HELD = "held"
    REFUSED = "refused"
    STALLED = "stalled"
    ORPHAN = "orphan"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A resource that a node did not accept; it is not sent to it again until it changes.

    `version` is the hash of the refused bytes, `reason` Envoy's words without any resource in them,
    `since` when it was refused. `passing`: the cause lies in the node's machine and may pass, so it says
    nothing against the resource, which is sent again after a while.
    """

    ref: Ref
    version: str
    reason: str
    since: float
    passing: bool = False


@dataclass(frozen=True, slots=True)
class TypeStatus:
    """One type of resource on one stream; a version is "" and a time None while there was none.

    `unanswered`: what was sent last is neither acknowledged nor refused yet. `took`: seconds from the
    publication of a change to the ACK that was the last; None if that carried none.
    `refused`: what the last NACK was about, even if the view has something else for these names by now.
    """

    type: str
    sent: str = ""
    acked: str = ""
    nacked: str = ""
    sent_at: float | None = None
    acked_at: float | None = None
    nacked_at: float | None = None
    resources: int = 0
    took: float | None = None
    refused: tuple[Refusal, ...] = ()
    unanswered: bool = False


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node at one time. Times are those of the caller's clock.

    `state_since` is when it came into this state. `revision` is the last one of its view that the node holds
    entirely, removals included; 0 before. `reached` is the last one of which everything was sent to it and
    answered: what is to leave may still be there, and what it refused is in `refusals`. `returned`: it held
    something when its stream began, so its process is older than that.
    """

    node: Node
    view: str
    state: NodeState
    reason: str = ""
    protocol: str = ""
    types: tuple[TypeStatus, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    revision: int = 0
    reached: int = 0
    connected: bool = True
    connected_since: float | None = None
    returned: bool = False
    last_seen: float = 0.0
    state_since: float | None = None


class Fleet:
    """The nodes that one control plane knows."""

    def __init__(self) -> None:
        self._streams: dict[int, NodeStatus] = {}
        self._left: dict[str, NodeStatus] = {}
        self._serial = 0

    def connect(self, status: NodeStatus) -> int:
        """A stream opened. Returns its number, for `update` and `disconnect`.

        Streams are told apart by number, as two nodes may be configured with one id.
        """
        self._serial += 1
        self._streams[self._serial] = status
        return self._serial

    def update(self, stream: int, status: NodeStatus) -> None:
        """What is known of the node on this stream changed."""
        self._streams[stream] = status
        if status.state is NodeState.SYNCED:  # it holds nothing any more of what it held when it left
            self._left.pop(status.node.id, None)

    def disconnect(self, stream: int, now: float) -> None:
        """The stream ended."""
        last = self._streams.pop(stream)
        left = replace(last, connected=False, connected_since=None, last_seen=now)
        before = self._left.pop(last.node.id, None)  # and to the end: those that left last stand last
        self._left[last.node.id] = _less_far(before, left)
        self._forget(now)

    def nodes(self, now: float) -> tuple[NodeStatus, ...]:
        """Every node, ordered by id; one that reconnected is shown once."""
        self._forget(now)
        connected = {status.node.id for status in self._streams.values()}
        away = (status for status in self._left.values() if status.node.id not in connected)
        return tuple(sorted((*self._streams.values(), *away), key=lambda status: status.node.id))

    def get(self, node_id: str, now: float) -> NodeStatus | None:
        """The node of this id, the one seen last if there are several."""
        found = [status for status in self.nodes(now) if status.node.id == node_id]
        return max(found, key=lambda status: (status.connected, status.last_seen), default=None)

    def lowest_revisions(self, now: float) -> Mapping[str, int]:
        """For each view the lowest revision that one of its nodes, seen within the last hour, holds entirely.

        Nobody holds anything older any more. A view without such a node is left out.
        """
        self._forget(now)
        lowest: dict[str, int] = {}
        for status in (*self._streams.values(), *self._left.values()):
            lowest[status.view] = min(status.revision, lowest.get(status.view, status.revision))
        return lowest

    def _forget(self, now: float) -> None:
        while self._left:
            node_id, longest_ago = next(iter(self._left.items()))
            if now - longest_ago.last_seen < REMEMBERED and len(self._left) <= _MOST_LEFT:
                return
            del self._left[node_id]


def _less_far(before: NodeStatus | None, now: NodeStatus) -> NodeStatus:
    """A node that left again before it converged still holds what it had the first time."""
    if before is None or now.revision:
        return now
    return replace(now, revision=before.revision)

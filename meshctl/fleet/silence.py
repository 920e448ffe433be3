"""Which nodes of one change were asked and have not answered: sent something of it, with no ACK and no NACK.

May import its neighbours. A node that waits for something else, or that has not answered since before the
change, was not asked, and its silence says nothing against the change.
"""

from collections.abc import Collection

from meshctl.fleet.fleet import NodeStatus

SILENCE = 20.0
"""Seconds for which a node may leave a change unanswered before it counts as silent."""


class Asked:
    """Since when nodes owe an answer. One whose stream ended without any owes it still, until it is back."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def hear(self, status: NodeStatus, given: float) -> None:
        """What is known of a node that was given the change at `given`, and has not taken it."""
        sent = (one.sent_at for one in status.types if one.unanswered and one.sent_at is not None)
        since = min((at for at in sent if at >= given), default=None)
        if since is None:
            self.forget(status.node.id)
        else:
            self._since[status.node.id] = since

    def forget(self, node: str) -> None:
        """The node answered, or begins anew."""
        self._since.pop(node, None)

    def silent_at(self, nodes: Collection[str]) -> float | None:
        """From when all of these nodes are silent, if none answers before; None: one of them owes nothing."""
        if not nodes or any(node not in self._since for node in nodes):
            return None
        return max(self._since[node] for node in nodes) + SILENCE

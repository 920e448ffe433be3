"""The fleet as it is kept while serving: what nodes do is counted, and the important part logged.

May import the fleet, `names`, `problems` and the metrics beside it.
"""

import logging
from collections.abc import Callable

from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus, Refusal, TypeStatus
from meshctl.names import Ref
from meshctl.problems import Span
from meshctl.serve.metrics import Metrics

log = logging.getLogger(__name__)

Places = Callable[[str, Ref, str], list[Span]]


class Journal(Fleet):
    """A fleet that tells what changes from one status of a stream to the next."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self.places: Places = _nowhere
        self._metrics = metrics
        self._last: dict[int, NodeStatus] = {}

    def connect(self, status: NodeStatus) -> int:
        """A stream opened."""
        stream = super().connect(status)
        self._last[stream] = status
        node = status.node
        log.info("connected: node=%s view=%s protocol=%s", node.id, status.view, status.protocol)
        if node.unsupported:
            log.warning("not supported: node=%s reason=%r", node.id, node.unsupported)
        return stream

    def update(self, stream: int, status: NodeStatus) -> None:
        """What is known of the node on this stream changed."""
        super().update(stream, status)
        before, self._last[stream] = self._last[stream], status
        if status.types != before.types:
            known = {one.type: one for one in before.types}
            for one in status.types:
                self._count(known.get(one.type, TypeStatus(one.type)), one)
        if status.refusals != before.refusals:
            for refusal in set(status.refusals) - set(before.refusals):
                self._refused(status, refusal)
        if status.state is NodeState.STALLED is not before.state:
            log.error("stalled: node=%s reason=%r", status.node.id, status.reason)

    def disconnect(self, stream: int, now: float) -> None:
        """The stream ended."""
        super().disconnect(stream, now)
        log.info("disconnected: node=%s", self._last.pop(stream).node.id)

    def _count(self, before: TypeStatus, now: TypeStatus) -> None:
        if now.sent_at != before.sent_at:
            self._metrics.pushes.labels(now.type).inc()
        if now.nacked_at != before.nacked_at:
            self._metrics.nacks.labels(now.type).inc()
        if now.acked_at != before.acked_at and now.acked_at is not None:
            self._metrics.acks.labels(now.type).inc()
            if before.sent_at is not None:
                self._metrics.ack_seconds.labels(now.type).observe(now.acked_at - before.sent_at)

    def _refused(self, status: NodeStatus, refusal: Refusal) -> None:
        places = ", ".join(map(str, self.places(status.view, refusal.ref, refusal.reason))) or "unknown"
        log.error(
            "NACK: node=%s resource=%s type=%s version=%s catalog=%s reason=%r",
            status.node.id,
            refusal.ref.name,
            refusal.ref.type.rpartition(".")[2],
            refusal.version,
            places,
            refusal.reason,
        )


def _nowhere(_view: str, _ref: Ref, _words: str) -> list[Span]:
    return []

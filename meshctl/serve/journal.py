"""The fleet as it is kept while serving: what nodes do is counted, and the important part logged.

May import the fleet, `names`, `problems`, the buckets of `xds` and the metrics beside it.
"""

import logging
from collections.abc import Callable

from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus, Refusal, TypeStatus
from meshctl.names import Ref
from meshctl.problems import Span
from meshctl.serve.lines import word
from meshctl.serve.metrics import Metrics
from meshctl.xds.admission import Bucket

log = logging.getLogger(__name__)

_LINES_PER_S, _LINES_AT_ONCE = 2.0, 20.0
"""Refusals that are written: each of a few nodes, and of ten thousand no more than a reader bears."""

Places = Callable[[str, Ref, str], list[Span]]


class Journal(Fleet):
    """A fleet that tells what changes from one status of a stream to the next: the log, and `heard`."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__()
        self.places: Places = _nowhere
        self.heard: Callable[[NodeStatus], None] = _unheard
        self._metrics = metrics
        self._last: dict[int, NodeStatus] = {}
        self._lines, self._unsaid = Bucket(_LINES_PER_S, _LINES_AT_ONCE), 0

    def connect(self, status: NodeStatus) -> int:
        """A stream opened."""
        stream = super().connect(status)
        self._last[stream] = status
        node = status.node
        words = "connected: node=%s stream=%d view=%s protocol=%s client=%s"
        client = word(node.user_agent or "-")
        log.info(words, word(node.id), stream, word(status.view), status.protocol, client)
        if node.unsupported:
            log.warning("not supported: node=%s stream=%d reason=%r", word(node.id), stream, node.unsupported)
        return stream

    def update(self, stream: int, status: NodeStatus) -> None:
        """What is known of the node on this stream changed."""
        super().update(stream, status)
        before, self._last[stream] = self._last[stream], status
        if status.types != before.types:
            known = {one.type: one for one in before.types}
            for one in status.types:
                earlier = known.get(one.type, TypeStatus(one.type))
                self._count(earlier, one)
                if one.nacked_at != earlier.nacked_at:
                    for refusal in (new for new in one.refused if new not in before.refusals):
                        self._refused(stream, status, refusal)
        if (status.state is NodeState.STALLED) is not (before.state is NodeState.STALLED):
            self._stalled(stream, status)
        self.heard(status)

    def disconnect(self, stream: int, now: float) -> None:
        """The stream ended."""
        super().disconnect(stream, now)
        last = self._last.pop(stream)
        words = "disconnected: node=%s stream=%d view=%s state=%s revision=%d"
        log.info(words, word(last.node.id), stream, word(last.view), last.state.value, last.revision)

    def tell_rest(self) -> None:
        """Write how many refusals were not written, and are counted in no later line."""
        if self._unsaid:
            log.error("more NACK: number=%d", self._unsaid)
        self._unsaid = 0

    def _count(self, before: TypeStatus, now: TypeStatus) -> None:
        if now.sent_at != before.sent_at:
            self._metrics.pushes.labels(now.type).inc()
        if now.nacked_at != before.nacked_at:
            self._metrics.nacks.labels(now.type).inc()
        if now.acked_at != before.acked_at and now.acked_at is not None:
            self._metrics.acks.labels(now.type).inc()
            if before.sent_at is not None:
                self._metrics.ack_seconds.labels(now.type).observe(now.acked_at - before.sent_at)
            if now.took is not None:
                self._metrics.change_seconds.labels(now.type).observe(now.took)

    def _stalled(self, stream: int, status: NodeStatus) -> None:
        if status.state is NodeState.STALLED:
            words = "stalled: node=%s stream=%d view=%s revision=%d reason=%r"
            log.error(words, *_whose(stream, status), status.reason)
        else:
            words = "no longer stalled: node=%s stream=%d view=%s revision=%d state=%s"
            log.info(words, *_whose(stream, status), status.state.value)

    def _refused(self, stream: int, status: NodeStatus, refusal: Refusal) -> None:
        if self._lines.wait_for(1.0, refusal.since):
            self._unsaid += 1
            return
        self._lines.take(1.0, refusal.since)
        more, self._unsaid = self._unsaid, 0
        places = ", ".join(map(str, self.places(status.view, refusal.ref, refusal.reason))) or "unknown"
        log.error(
            "NACK: node=%s stream=%d view=%s revision=%d resource=%s type=%s version=%s catalog=%s reason=%r"
            " more=%d",
            *_whose(stream, status),
            word(refusal.ref.name),
            refusal.ref.type.rpartition(".")[2],
            refusal.version,
            word(places),
            refusal.reason,
            more,
        )


def _whose(stream: int, status: NodeStatus) -> tuple[str, int, str, int]:
    """The fields that say who it was: node, stream, view, and the revision that it holds."""
    return word(status.node.id), stream, word(status.view), status.revision


def _unheard(_status: NodeStatus) -> None:
    return None


def _nowhere(_view: str, _ref: Ref, _words: str) -> list[Span]:
    return []

"""What Prometheus is told: one registry a server, every name with the prefix `meshctl_`.

Imports prometheus-client and what it counts. Gauges are read when somebody scrapes.
"""

from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from meshctl.fleet.fleet import NodeState, NodeStatus
from meshctl.serve.standing import Standing

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""From a CLA's ACK on one machine to the deadline after which a node counts as stalled."""


class Metrics:
    """The counters that events raise, and the registry that also holds the gauges."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.failures = Counter(
            "meshctl_publish_failures",
            "Publications, and clearing up after them, on which meshctl itself failed.",
            registry=registry,
        )
        kinds = ("type",)
        self.pushes = Counter("meshctl_pushes", "Answers sent to nodes.", kinds, registry=registry)
        self.acks = Counter("meshctl_acks", "Answers that nodes accepted.", kinds, registry=registry)
        self.nacks = Counter("meshctl_nacks", "Answers that nodes refused.", kinds, registry=registry)
        self.ack_seconds = Histogram(
            "meshctl_ack_seconds",
            "Seconds from an answer to the node's ACK.",
            kinds,
            registry=registry,
            buckets=_SECONDS,
        )

    def watch(self, standing: Callable[[], Standing], nodes: Callable[[], Iterable[NodeStatus]]) -> None:
        """Read the gauges from these when somebody scrapes."""
        self.registry.register(_Gauges(standing, nodes))

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Gauges(Collector):
    def __init__(self, standing: Callable[[], Standing], nodes: Callable[[], Iterable[NodeStatus]]) -> None:
        self._standing, self._nodes = standing, nodes

    def describe(self) -> Iterable[Metric]:
        return []  # nothing is read at registration

    def collect(self) -> Iterator[Metric]:
        standing = self._standing()
        yield _gauge("meshctl_revision", "Revision of the published snapshot.", standing.revision)
        words = "Changes of the catalog that were published."
        yield CounterMetricFamily("meshctl_publishes", words, value=standing.publishes)
        held = standing.held.keys() | standing.guarded.kept
        yield _gauge("meshctl_held_entries", "Files not served as they stand on disk.", len(held))
        words = "What the files on disk would take away, and stays until it is confirmed."
        yield _gauge("meshctl_guarded_losses", words, len(standing.guarded.names))
        yield _gauge("meshctl_catalog_live", "1: nodes are served from the catalog.", standing.live)
        words = "1: the catalog is not usable, and the last good state goes to nodes that hold nothing."
        yield _gauge("meshctl_provisional", words, standing.provisional)
        if standing.published_at is not None:
            words = "When the snapshot was published, in seconds of the epoch."
            yield _gauge("meshctl_published_timestamp_seconds", words, standing.published_at)
        yield self._by_state()

    def _by_state(self) -> Metric:
        found = Count(status.state for status in self._nodes() if status.connected)
        words = "Connected nodes by state; `stalled` has not answered, or waited, for 20 s."
        family = GaugeMetricFamily("meshctl_nodes", words, labels=["state"])
        for state in NodeState:
            family.add_metric([state.value], found[state])
        return family


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)

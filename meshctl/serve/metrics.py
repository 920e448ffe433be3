"""What Prometheus is told: one registry a server, every name with the prefix `meshctl_`.

Imports prometheus-client and what it counts. Gauges are read when somebody scrapes.
"""

from collections import Counter as Count
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import meshctl
from meshctl.fleet.fleet import NodeState, NodeStatus
from meshctl.serve.held import HeldBack
from meshctl.serve.progress import Wave
from meshctl.serve.standing import Standing
from meshctl.xds.types import TYPES

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""From a CLA's ACK on one machine to the deadline after which a node counts as stalled."""


class Kept(Protocol):
    """How the state on disk is kept."""

    @property
    def stamped_at(self) -> float | None:
        """When it was last known current, in seconds of the epoch."""

    @property
    def failures(self) -> int:
        """How often it could not be written."""


class Metrics:
    """The counters that events raise, and the registry that also holds the gauges."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        counter = partial(Counter, registry=self.registry)
        seconds = partial(Histogram, registry=self.registry, buckets=_SECONDS)
        words = "1; the label says which release this is."
        build = Gauge("meshctl_build_info", words, ("version",), registry=self.registry)
        build.labels(meshctl.__version__).set(1)
        words = "Publications, and clearing up after them, on which meshctl itself failed."
        self.failures = counter("meshctl_publish_failures", words)
        kinds = ("type",)
        self.pushes = counter("meshctl_pushes", "Answers sent to nodes.", kinds)
        self.acks = counter("meshctl_acks", "Answers that nodes accepted.", kinds)
        self.nacks = counter("meshctl_nacks", "Answers that nodes refused.", kinds)
        words = "Streams that were not taken, or were ended, by cause."
        self.refused = counter("meshctl_streams_refused", words, ("cause",))
        self.ack_seconds = seconds("meshctl_ack_seconds", "Seconds from an answer to the node's ACK.", kinds)
        words = "Seconds from the publication of a change to a node's ACK of it."
        longer = (*_SECONDS, 60.0, 300.0)
        self.change_seconds = seconds("meshctl_change_seconds", words, kinds, buckets=longer)
        words = "Seconds from taking in changed files to their publication."
        self.publish_seconds = seconds("meshctl_publish_seconds", words)

    def watch(
        self,
        standing: Callable[[], Standing],
        nodes: Callable[[], Iterable[NodeStatus]],
        waves: Callable[[], Iterable[Wave]],
        held: Callable[[], Collection[HeldBack]],
    ) -> None:
        """Read the gauges from these when somebody scrapes."""
        self.registry.register(_Gauges(standing, nodes, waves, held))

    def watch_state(self, kept: Kept) -> None:
        """Read how the state on disk is kept from this when somebody scrapes."""
        self.registry.register(_State(kept))

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Gauges(Collector):
    def __init__(
        self,
        standing: Callable[[], Standing],
        nodes: Callable[[], Iterable[NodeStatus]],
        waves: Callable[[], Iterable[Wave]],
        held: Callable[[], Collection[HeldBack]],
    ) -> None:
        self._standing, self._nodes, self._waves, self._held = standing, nodes, waves, held

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
        yield from _of_nodes(self._nodes())
        waves = list(self._waves())
        yield _gauge("meshctl_waves", "Views through which a change goes in waves.", len(waves))
        words = "Views in which it does not go on: a node refused it, or leaves it unanswered."
        yield _gauge("meshctl_waves_stopped", words, sum(bool(wave.stopped) for wave in waves))
        words = "Resources that no node of a view is given, refused or left unanswered; once a view."
        yield _gauge("meshctl_held_resources", words, len(self._held()))


class _State(Collector):
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        words = "Times that the last good state could not be written or stamped."
        yield CounterMetricFamily("meshctl_state_failures", words, value=self._kept.failures)
        if self._kept.stamped_at is not None:
            words = "When the state on disk was last known current, in seconds of the epoch."
            yield _gauge("meshctl_state_timestamp_seconds", words, self._kept.stamped_at)


def _of_nodes(nodes: Iterable[NodeStatus]) -> Iterator[Metric]:
    states, protocols, refused, away = Count[NodeState](), Count[str](), Count[str](), 0
    for status in nodes:
        if status.connected:
            states[status.state] += 1
            protocols[status.protocol] += 1
            refused.update(TYPES[refusal.ref.type].short for refusal in status.refusals)
        else:
            away += 1
    words = "Connected nodes by state; `stalled` has not answered, or waited, for 20 s."
    yield _labelled("meshctl_nodes", words, "state", {one.value: states[one] for one in NodeState})
    yield _gauge("meshctl_nodes_away", "Nodes seen within the last hour that are not connected.", away)
    yield _labelled("meshctl_streams", "Open streams by the protocol's variant.", "protocol", protocols)
    words = "Resources that connected nodes refuse, counted once a node."
    types = {row.short: refused[row.short] for row in TYPES.values()}
    yield _labelled("meshctl_refused_resources", words, "type", types)


def _labelled(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)

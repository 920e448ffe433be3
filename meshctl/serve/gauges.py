"""What Prometheus is told of the state of things, read when somebody scrapes.

Imports prometheus-client and what it counts.
"""

from collections import Counter as Count
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from meshctl.fleet.fleet import NodeState, NodeStatus
from meshctl.serve.held import HeldBack
from meshctl.serve.progress import Wave
from meshctl.serve.standing import Standing
from meshctl.xds.types import TYPES


class Kept(Protocol):
    """How the state on disk is kept."""

    @property
    def stamped_at(self) -> float | None:
        """When it was last known current, in seconds of the epoch."""

    @property
    def failures(self) -> int:
        """How often it could not be written."""


class Gauges(Collector):
    """What is published, who is connected, and how far changes are; asked for when somebody scrapes."""

    def __init__(
        self,
        standing: Callable[[], Standing],
        nodes: Callable[[], Iterable[NodeStatus]],
        waves: Callable[[], Iterable[Wave]],
        held: Callable[[], Collection[HeldBack]],
    ) -> None:
        self._standing, self._nodes, self._waves, self._held = standing, nodes, waves, held

    def describe(self) -> Iterable[Metric]:
        """Nothing: else all would be read when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All of them, as they are now."""
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


class StateGauges(Collector):
    """How the state on disk is kept."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def describe(self) -> Iterable[Metric]:
        """Nothing, as above."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All of them, as they are now."""
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

"""What Prometheus is told: one registry a server, every name with the prefix `meshctl_`.

Imports prometheus-client. Gauges are in `gauges.py`, and read when somebody scrapes.
"""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

import meshctl

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
"""From a CLA's ACK on one machine to the deadline after which a node counts as stalled."""


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

    def watch(self, gauges: Collector) -> None:
        """Read these when somebody scrapes."""
        self.registry.register(gauges)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

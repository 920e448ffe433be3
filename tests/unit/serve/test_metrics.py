"""Every metric is documented, and every documented metric is there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from meshctl.fleet.fleet import NodeState, NodeStatus, Refusal
from meshctl.fleet.node import Node
from meshctl.names import CLUSTER, Ref, Role
from meshctl.serve.gauges import Gauges, StateGauges
from meshctl.serve.metrics import Metrics
from meshctl.serve.standing import Standing

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
NODE = Node("web@1", Role.SIDECAR, ("web",), client="1.40")
REFUSAL = Refusal(Ref(CLUSTER, "a/v1"), "abc", "no good", 1.0)
NODES = (
    NodeStatus(NODE, NODE.view, NodeState.REFUSED, protocol="delta", refusals=(REFUSAL,)),
    NodeStatus(replace(NODE, id="web@2"), NODE.view, NodeState.SYNCED, protocol="delta"),
    NodeStatus(replace(NODE, id="web@3"), NODE.view, NodeState.REFUSED, connected=False, refusals=(REFUSAL,)),
)


@dataclass
class Kept:
    stamped_at: float | None = 5.0
    failures: int = 2


def metrics() -> Metrics:
    found = Metrics()
    found.watch(Gauges(lambda: Standing(published_at=1.0), lambda: NODES, list, list))
    found.watch(StateGauges(Kept()))
    for one in (found.pushes, found.acks, found.nacks, found.ack_seconds, found.change_seconds):
        one.labels("cds")
    found.refused.labels("rate")
    return found


def exposed(found: Metrics) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Name, type and labels of each family, as its series are named."""
    for family in found.registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = frozenset(label for sample in family.samples for label in sample.labels)
        yield name, family.type, labels - {"le"}


def documented() -> Iterator[tuple[str, str, frozenset[str]]]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if row := re.match(r"\| `(\w+)` \| (\w+) \| ([^|]*)\|", line):
            yield row[1], row[2], frozenset(re.findall(r"`(\w+)`", row[3]))


def test_metrics_that_exist_are_those_that_are_documented() -> None:
    assert sorted(exposed(metrics()), key=str) == sorted(documented(), key=str)


def test_refusals_and_nodes_are_counted_without_naming_a_node() -> None:
    registry = metrics().registry
    assert registry.get_sample_value("meshctl_nodes", {"state": "refused"}) == 1
    assert registry.get_sample_value("meshctl_nodes_away") == 1
    assert registry.get_sample_value("meshctl_streams", {"protocol": "delta"}) == 2
    assert registry.get_sample_value("meshctl_refused_resources", {"type": "cds"}) == 1
    assert registry.get_sample_value("meshctl_refused_resources", {"type": "rds"}) == 0
    assert "web@" not in metrics().text().decode()


def test_state_on_disk_tells_its_time_and_its_failures() -> None:
    registry = metrics().registry
    assert registry.get_sample_value("meshctl_state_timestamp_seconds") == 5
    assert registry.get_sample_value("meshctl_state_failures_total") == 2

from dataclasses import replace

import pytest

from meshctl.fleet.fleet import NodeState, NodeStatus, Refusal, TypeStatus
from meshctl.fleet.node import Node
from meshctl.names import CLUSTER, Ref, Role
from meshctl.problems import Span
from meshctl.serve.gauges import Gauges
from meshctl.serve.journal import Journal
from meshctl.serve.metrics import Metrics
from meshctl.serve.standing import Standing

NODE = Node("web@1", Role.SIDECAR, ("web",), client="1.40")
FIRST = NodeStatus(NODE, NODE.view, NodeState.SENDING, protocol="delta")
SENT = TypeStatus("cds", sent="1", sent_at=10.0)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def journal(metrics: Metrics, caplog: pytest.LogCaptureFixture) -> Journal:
    caplog.set_level("INFO")
    return Journal(metrics)


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_answers_and_acks_are_counted_by_type(journal: Journal, metrics: Metrics) -> None:
    stream = journal.connect(FIRST)
    journal.update(stream, replace(FIRST, types=(SENT,)))
    acked = replace(SENT, acked="1", acked_at=10.5)
    journal.update(stream, replace(FIRST, types=(acked,)))
    journal.update(stream, replace(FIRST, types=(acked, TypeStatus("eds", sent="1", sent_at=11.0))))
    assert sample(metrics, "meshctl_pushes_total", type="cds") == 1
    assert sample(metrics, "meshctl_pushes_total", type="eds") == 1
    assert sample(metrics, "meshctl_acks_total", type="cds") == 1
    assert sample(metrics, "meshctl_ack_seconds_sum", type="cds") == 0.5
    assert sample(metrics, "meshctl_change_seconds_count", type="cds") is None  # it was no change


def test_change_is_counted_once_a_node_with_the_time_since_its_publication(
    journal: Journal, metrics: Metrics
) -> None:
    stream = journal.connect(FIRST)
    journal.update(stream, replace(FIRST, types=(SENT,)))
    acked = replace(FIRST, types=(replace(SENT, acked="1", acked_at=10.5, took=2.5),))
    journal.update(stream, acked)
    journal.update(stream, replace(acked, state=NodeState.SYNCED))
    assert sample(metrics, "meshctl_change_seconds_sum", type="cds") == 2.5
    assert sample(metrics, "meshctl_change_seconds_count", type="cds") == 1


def test_nack_is_counted_and_logged_with_envoys_reason_and_the_line(
    journal: Journal, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    journal.places = lambda view, ref, words: [Span("a/users.yaml", 4, 7)] if ref.name == "users/v1" else []
    stream = journal.connect(FIRST)
    refusal = Refusal(Ref(CLUSTER, "users/v1"), "abc", "malformed IP address", 10.5)
    nacked = replace(SENT, nacked="1", nacked_at=10.5, refused=(refusal,))
    journal.update(stream, replace(FIRST, types=(nacked,), refusals=(refusal,)))
    again = replace(nacked, nacked="2", nacked_at=11.5)
    journal.update(stream, replace(FIRST, types=(again,), refusals=(refusal,)))
    assert sample(metrics, "meshctl_nacks_total", type="cds") == 2
    lines = [line for line in caplog.messages if line.startswith("NACK")]
    assert len(lines) == 1
    assert "node=web@1 stream=1 view=sidecar/web@1.40 revision=0 resource=users/v1 type=Cluster" in lines[0]
    assert "catalog=a/users.yaml:4:7" in lines[0]
    assert "malformed IP address" in lines[0]


def test_each_node_that_refuses_is_a_line_until_there_are_too_many_which_are_counted(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(number: int, at: float) -> None:
        node = replace(NODE, id=f"web@{number}")
        stream = journal.connect(replace(FIRST, node=node))
        refusal = Refusal(Ref(CLUSTER, "users/v1"), "abc", "no", at)
        nacked = replace(SENT, nacked="1", nacked_at=at, refused=(refusal,))
        journal.update(stream, replace(FIRST, node=node, types=(nacked,)))

    for number in range(100):
        refuse(number, 10.0)
    refuse(100, 11.0)
    lines = [line for line in caplog.messages if line.startswith("NACK")]
    named = [line.split()[1] for line in lines]
    assert named == [*(f"node=web@{number}" for number in range(20)), "node=web@100"]
    assert [line.rpartition(" ")[2] for line in lines[-2:]] == ["more=0", "more=80"]
    for number in range(101, 111):
        refuse(number, 11.0)
    journal.tell_rest()
    journal.tell_rest()
    told = [line for line in caplog.messages if line.startswith("more NACK")]
    assert told == ["more NACK: number=9"]


def test_coming_stalling_and_going_are_logged(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    stream = journal.connect(FIRST)
    stalled = replace(FIRST, state=NodeState.STALLED, reason="no ACK")
    journal.update(stream, stalled)
    journal.update(stream, stalled)
    journal.disconnect(stream, now=1.0)
    assert caplog.messages == [
        "connected: node=web@1 stream=1 view=sidecar/web@1.40 protocol=delta client=-",
        "stalled: node=web@1 stream=1 view=sidecar/web@1.40 revision=0 reason='no ACK'",
        "disconnected: node=web@1 stream=1 view=sidecar/web@1.40 state=stalled revision=0",
    ]


def test_gauges_tell_the_catalog_and_the_nodes_of_now(journal: Journal, metrics: Metrics) -> None:
    standing = Standing(revision=7, publishes=3, provisional=True, held={"a/web.yaml": ()})
    metrics.watch(Gauges(lambda: standing, lambda: journal.nodes(0.0), list, list))
    journal.connect(FIRST)
    journal.disconnect(journal.connect(replace(FIRST, node=replace(NODE, id="gone"))), now=0.0)
    assert sample(metrics, "meshctl_nodes", state="sending") == 1
    assert sample(metrics, "meshctl_nodes", state="stalled") == 0
    assert sample(metrics, "meshctl_revision") == 7
    assert sample(metrics, "meshctl_publishes_total") == 3
    assert sample(metrics, "meshctl_provisional") == 1
    assert sample(metrics, "meshctl_held_entries") == 1
    assert b"# HELP meshctl_nodes Connected nodes by state" in metrics.text()


def test_an_envoy_that_is_too_old_is_warned_of_when_it_connects(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    old = replace(NODE, client="1.35")
    journal.connect(FIRST)
    assert "not supported" not in caplog.text
    journal.connect(replace(FIRST, node=old))
    assert f"not supported: node=web@1 stream=2 reason={old.unsupported!r}" in caplog.text

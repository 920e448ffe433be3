from dataclasses import replace

import pytest

from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus
from meshctl.fleet.node import Node
from meshctl.names import Role

NODE = Node("web@one", Role.SIDECAR, ("web",), client="1.40")
STATUS = NodeStatus(NODE, NODE.view, NodeState.SYNCED, revision=3, last_seen=0.0)


def test_a_node_that_left_is_shown_for_an_hour() -> None:
    fleet = Fleet()
    fleet.disconnect(fleet.connect(STATUS), 10.0)
    [left] = fleet.nodes(3600.0)
    assert (left.connected, left.last_seen) == (False, 10.0)
    assert fleet.nodes(3610.0) == ()


def test_a_node_that_reconnected_is_shown_once() -> None:
    fleet = Fleet()
    fleet.disconnect(fleet.connect(STATUS), 1.0)
    fleet.connect(STATUS)
    assert [one.connected for one in fleet.nodes(2.0)] == [True]


def test_two_nodes_of_one_id_are_both_shown() -> None:
    fleet = Fleet()
    fleet.connect(STATUS)
    fleet.connect(STATUS)
    assert len(fleet.nodes(0.0)) == 2


def test_nodes_are_ordered_by_id() -> None:
    fleet = Fleet()
    for name in "cab":
        fleet.connect(replace(STATUS, node=replace(NODE, id=name)))
    assert [one.node.id for one in fleet.nodes(0.0)] == ["a", "b", "c"]
    assert fleet.get("b", 0.0) is not None
    assert fleet.get("d", 0.0) is None


def test_the_lowest_revision_counts_who_left_lately() -> None:
    fleet = Fleet()
    fleet.connect(replace(STATUS, revision=7))
    gone = fleet.connect(replace(STATUS, node=replace(NODE, id="web@two"), revision=5))
    fleet.disconnect(gone, 0.0)
    assert fleet.lowest_revisions(100.0) == {NODE.view: 5}
    assert fleet.lowest_revisions(4000.0) == {NODE.view: 7}


def test_who_left_again_before_it_converged_still_holds_what_it_had() -> None:
    fleet = Fleet()
    fleet.disconnect(fleet.connect(STATUS), 0.0)
    again = fleet.connect(replace(STATUS, state=NodeState.SENDING, revision=0))
    fleet.disconnect(again, 1.0)
    assert fleet.lowest_revisions(2.0) == {NODE.view: 3}


def test_who_is_in_sync_again_holds_nothing_of_what_it_left_with() -> None:
    fleet = Fleet()
    fleet.disconnect(fleet.connect(STATUS), 0.0)
    again = fleet.connect(replace(STATUS, state=NodeState.SENDING, revision=0))
    fleet.update(again, replace(STATUS, state=NodeState.SYNCED, revision=9))
    assert fleet.lowest_revisions(1.0) == {NODE.view: 9}


@pytest.mark.parametrize("client", ["", "grpc", "0.0", "1.36", "1.40", "1.41", "2.0"])
def test_what_is_supported_or_says_no_version_is_not_remarked_on(client: str) -> None:
    assert replace(NODE, client=client).unsupported == ""


@pytest.mark.parametrize("client", ["1.35", "1.9", "0.1"])
def test_what_is_older_than_the_oldest_supported_is_told_so(client: str) -> None:
    told = replace(NODE, client=client).unsupported
    assert told == f"Envoy {client} is not supported, 1.36 is the oldest that is; it gets what 1.36 gets"

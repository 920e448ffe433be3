"""The two rules of needs, and what follows from them."""

import pytest

from meshctl.fleet.fleet import NodeState
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, TypeUrl
from meshctl.snapshot import Resource
from meshctl.xds.events import Send
from meshctl.xds.ordering import NeedsOrder
from tests.support.xds_peer import GRACE, LIBRARY, Peer, kinds, names, sotw_peer
from tests.support.xds_world import NAMED, api_listener, cluster, endpoints, listener, routes

A = (cluster("a/v1"), endpoints("a/v1"))
B = (cluster("b/v1"), endpoints("b/v1"))
WEB = listener("web")


def booted(*view: Resource) -> Peer:
    """A delta client that asked for everything there is, and acknowledged it."""
    peer = Peer(*view)
    peer.ack(*peer.ask(CLUSTER))
    peer.ack(*peer.ask(ENDPOINTS, *(one.key.name for one in view if one.key.type == CLUSTER)))
    peer.ack(*peer.ask(LISTENER))
    peer.ack(*peer.ask(ROUTES, "web"))
    return peer


def to(name: str) -> Resource:
    return routes("web", {"host": [name]})


def test_routes_wait_for_their_cluster_and_its_endpoints() -> None:
    peer = booted(*A, WEB, to("a/v1"))
    [clusters] = peer.publish(*A, *B, WEB, to("b/v1"))
    assert names(clusters) == ["b/v1"]
    assert peer.ack(clusters) == []
    [load] = peer.ask(ENDPOINTS, "b/v1")
    assert names(load) == ["b/v1"]
    [sent] = peer.ack(load)
    assert (sent.type, names(sent)) == (ROUTES, ["web"])


def test_routes_never_go_out_by_timeout() -> None:
    peer = booted(*A, WEB, to("a/v1"))
    peer.publish(*A, *B, WEB, to("b/v1"))
    assert peer.wait(10_000) == []
    assert peer.stream.status(peer.now).state is NodeState.STALLED


def test_a_listener_waits_for_the_clusters_behind_its_routes() -> None:
    peer = Peer(*A, WEB, to("a/v1"))
    [clusters] = peer.ask(CLUSTER)
    assert peer.ask(LISTENER) == []
    assert peer.ack(clusters) == []
    [load] = peer.ask(ENDPOINTS, "a/v1")
    assert kinds(peer.ack(load)) == ["Listener"]


def test_empty_endpoints_are_none_unless_the_view_has_none() -> None:
    empty = endpoints("b/v1", empty=True)
    peer = booted(*A, WEB, to("a/v1"))
    [clusters] = peer.publish(*A, cluster("b/v1"), empty, WEB, to("a/v1"))
    peer.ack(clusters)
    [load] = peer.ask(ENDPOINTS, "b/v1")
    peer.ack(load)
    sends = peer.publish(*A, *B, WEB, to("b/v1"))
    assert kinds(sends) == ["ClusterLoadAssignment"]
    assert kinds(peer.ack(*sends)) == ["RouteConfiguration"]
    peer = booted(*A, cluster("b/v1"), empty, WEB, to("a/v1"))
    assert kinds(peer.publish(*A, cluster("b/v1"), empty, WEB, to("b/v1"))) == ["RouteConfiguration"]


def test_a_need_that_the_client_does_not_ask_for_is_not_waited_for() -> None:
    view = (*A, *B, api_listener("api", "web"), to("b/v1"))
    peer = sotw_peer(*view, node=LIBRARY)
    assert kinds(peer.want(LISTENER, "api")) == ["Listener"]
    assert kinds(peer.want(ROUTES, "web")) == ["RouteConfiguration"]
    assert kinds(peer.want(CLUSTER, "b/v1")) == ["Cluster"]
    assert kinds(peer.want(ENDPOINTS, "b/v1")) == ["ClusterLoadAssignment"]


def test_a_cluster_leaves_a_grace_after_nobody_needs_it() -> None:
    peer = booted(*A, *B, WEB, to("a/v1"))
    [sent] = peer.publish(*B, WEB, to("b/v1"))
    assert peer.wait(GRACE * 3) == []  # the routes are not acknowledged, so the old ones may be in use
    peer.ack(sent)
    assert peer.wait(GRACE - 1) == []
    [gone] = peer.wait(2)
    assert (gone.type, gone.removed) == (CLUSTER, ("a/v1",))


def test_a_cluster_stays_when_the_routes_that_left_it_were_refused() -> None:
    peer = booted(*A, *B, WEB, to("a/v1"))
    [sent] = peer.publish(*B, WEB, to("b/v1"))
    peer.nack(sent)
    assert peer.wait(GRACE * 3) == []


def test_a_cluster_that_refused_routes_may_lead_to_stays() -> None:
    peer = booted(*A, *B, WEB, to("a/v1"))
    [sent] = peer.publish(*A, *B, WEB, to("b/v1"))
    peer.nack(sent)
    assert peer.publish(*A, WEB, to("b/v1")) == []
    assert peer.wait(GRACE * 3) == []


def test_a_cluster_that_comes_back_within_the_grace_stays() -> None:
    peer = booted(*A, *B, WEB, to("a/v1"))
    peer.ack(*peer.publish(*B, WEB, to("b/v1")))
    peer.wait(GRACE / 2)
    assert peer.publish(*A, *B, WEB, to("b/v1")) == []
    assert peer.wait(GRACE * 3) == []


def test_a_listener_that_gives_its_address_away_leaves_in_the_same_answer() -> None:
    old, new = listener("old", address="one", routes="web"), listener("new", address="one", routes="web")
    peer = booted(*A, old, to("a/v1"))
    [sent] = peer.publish(*A, new, to("a/v1"))
    assert (names(sent), sent.removed) == (["new"], ("old",))


def test_a_listener_keeps_its_address_while_its_successor_waits() -> None:
    old, new = listener("old", address="one", routes="web"), listener("new", address="one", routes="next")
    peer = booted(*A, old, to("a/v1"))
    later = routes("next", {"host": ["b/v1"]})
    peer.publish(*A, *B, new, to("a/v1"), later)
    assert peer.wait(GRACE * 3) == []


def test_a_listener_comes_back_when_its_successor_is_refused() -> None:
    old, new = listener("old", address="one", routes="web"), listener("new", address="one", routes="web")
    peer = booted(*A, old, to("a/v1"))
    [sent] = peer.publish(*A, new, to("a/v1"))
    [back] = peer.nack(sent, "Error adding/updating listener(s) new: no good")
    assert (names(back), back.removed) == (["old"], ())


def refuse_new_cluster(peer: Peer, *rest: Resource) -> list[Send]:
    [clusters] = peer.publish(*A, *B, *rest)
    return peer.nack(clusters)


def test_a_refused_new_cluster_holds_back_its_virtual_host_alone() -> None:
    peer = booted(*A, WEB, routes("web", {"x": ["a/v1"]}))
    [sent] = refuse_new_cluster(peer, WEB, routes("web", {"x": ["a/v1"], "y": ["a/v1"], "z": ["b/v1"]}))
    assert [part.name for part in sent.upserts[0].parts] == ["x", "y"]


def test_a_virtual_host_held_back_stays_as_it_was() -> None:
    peer = booted(*A, WEB, routes("web", {"x": ["a/v1"]}))
    [sent] = refuse_new_cluster(peer, WEB, routes("web", {"x": ["b/v1"], "y": ["a/v1"]}))
    assert [(part.name, part.body) for part in sent.upserts[0].parts] == [
        ("x", b"x=a/v1\n"),
        ("y", b"y=a/v1\n"),
    ]


def test_the_whole_comes_when_the_cluster_is_repaired() -> None:
    peer = booted(*A, WEB, routes("web", {"x": ["a/v1"]}))
    whole = routes("web", {"x": ["a/v1"], "z": ["b/v1"]})
    assert refuse_new_cluster(peer, WEB, whole) == []  # without z it is what the client has
    assert peer.stream.status(peer.now).state is NodeState.REFUSED
    [clusters] = peer.publish(*A, cluster("b/v1", 1), endpoints("b/v1"), WEB, whole)
    assert peer.ack(clusters) == []
    [load] = peer.ask(ENDPOINTS, "b/v1")
    [sent] = peer.ack(load)
    assert sent.upserts == (whole,)


def test_refused_first_endpoints_count_as_a_refused_cluster() -> None:
    peer = booted(*A, WEB, routes("web", {"x": ["a/v1"]}))
    [clusters] = peer.publish(*A, *B, WEB, routes("web", {"x": ["a/v1"], "y": ["a/v1"], "z": ["b/v1"]}))
    [load] = [*peer.ack(clusters), *peer.ask(ENDPOINTS, "b/v1")]
    [sent] = peer.nack(load, "malformed IP address: localhost")
    assert [part.name for part in sent.upserts[0].parts] == ["x", "y"]


def test_virtual_hosts_that_lead_to_refused_endpoints_alone_wait_in_vain_and_raise_no_alarm() -> None:
    older = routes("web", {"x": ["b/v1"]})
    peer = Peer(cluster("b/v1"), endpoints("b/v1", 1, NAMED), WEB, older)
    peer.ack(*peer.ask(CLUSTER, holds={"b/v1": B[0].version}))
    [load] = peer.ask(ENDPOINTS, "b/v1", holds={"b/v1": B[1].version})
    peer.ask(ROUTES, "web", holds={"web": older.version})
    peer.nack(load, "malformed IP address: x")
    newer = routes("web", {"x": ["b/v1"]}, 1)
    assert peer.publish(cluster("b/v1"), endpoints("b/v1", 1, NAMED), WEB, newer) == []
    peer.wait(1_000)
    assert peer.stream.status(peer.now).state is NodeState.REFUSED


def test_referrers_do_not_wait_where_an_older_version_is_accepted() -> None:
    peer = booted(*A, WEB, to("a/v1"))
    changed = cluster("a/v1", 1)
    sends = peer.publish(changed, A[1], WEB, routes("web", {"host": ["a/v1"], "more": ["a/v1"]}))
    assert "RouteConfiguration" in kinds(sends)
    peer.nack(sends[0])
    assert peer.stream.status(peer.now).refusals[0].ref.name == "a/v1"


def test_a_merely_pending_cluster_makes_the_whole_wait() -> None:
    peer = booted(*A, WEB, to("a/v1"))
    sends = peer.publish(*A, *B, WEB, routes("web", {"x": ["a/v1"], "z": ["b/v1"]}))
    assert kinds(sends) == ["Cluster"]


class LateEndpoints(NeedsOrder):
    """Half a second late."""

    def earliest(self, type_url: TypeUrl, since: float) -> float:
        return since + 0.5 if type_url == ENDPOINTS else since


@pytest.mark.parametrize("seconds", [0.4, 0.6])
def test_an_ordering_can_keep_a_type_waiting(seconds: float) -> None:
    peer = Peer(*A, ordering=LateEndpoints())
    assert peer.ask(ENDPOINTS, "a/v1") == []
    assert len(peer.wait(seconds)) == (seconds > 0.5)

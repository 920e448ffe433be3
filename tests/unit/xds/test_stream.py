"""One rule of the protocol, one test."""

from dataclasses import replace

import pytest

from meshctl.fleet.fleet import NodeState
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, TypeUrl
from meshctl.xds.events import Send, digest
from tests.support.xds_peer import GRACE, LIBRARY, Peer, kinds, names, sotw_peer
from tests.support.xds_world import NAMED, api_listener, cluster, endpoints, listener, routes

A = (cluster("a/v1"), endpoints("a/v1"))
B = (cluster("b/v1"), endpoints("b/v1"))
WEB = (listener("web"), routes("web", {"host": ["a/v1"]}))


def held(send: Send) -> list[str]:
    """What a complete answer holds."""
    assert send.state is not None
    return sorted(send.state)


def test_nothing_is_answered_before_a_view_is_known() -> None:
    peer = Peer()
    assert peer.ask(CLUSTER) == []
    assert peer.stream.status(peer.now).state is NodeState.UNKNOWN
    assert kinds(peer.publish(*A)) == ["Cluster"]


def test_an_unknown_type_is_never_answered_and_harms_nobody() -> None:
    peer = Peer(*A)
    assert peer.ask(TypeUrl("type.googleapis.com/example.Unknown"), "x") == []
    assert kinds(peer.ask(CLUSTER)) == ["Cluster"]


@pytest.mark.parametrize("type_url", [CLUSTER, LISTENER])
def test_the_first_answer_to_a_wildcard_is_sent_even_if_it_is_empty(type_url: TypeUrl) -> None:
    [sent] = Peer(endpoints("a/v1")).ask(type_url)
    assert (sent.upserts, sent.removed) == ((), ())


def test_an_acknowledged_answer_is_not_sent_again() -> None:
    peer = Peer(*A)
    assert peer.ack(*peer.ask(CLUSTER)) == []
    assert peer.publish(*A) == []
    assert peer.wait(1000) == []


def test_what_is_needed_by_other_rules_and_has_the_same_bytes_is_not_sent_again() -> None:
    peer = Peer(*A, *B, *WEB)
    for type_url, asked in ((CLUSTER, ()), (ENDPOINTS, ("a/v1", "b/v1")), (LISTENER, ()), (ROUTES, ("web",))):
        sends = peer.ask(type_url, *asked)
        while sends:
            sends = peer.ack(*sends)
    assert peer.stream.status(peer.now).state is NodeState.SYNCED
    needy = replace(WEB[1], needs=(A[0].ref, B[0].ref))
    assert needy != WEB[1]
    assert peer.publish(*A, *B, WEB[0], needy) == []
    assert peer.stream.status(peer.now).state is NodeState.SYNCED


def test_one_answer_a_type_is_on_its_way_and_the_newest_state_follows() -> None:
    peer = Peer(*A)
    [first] = peer.ask(CLUSTER)
    for generation in range(1, 20):
        assert peer.publish(cluster("a/v1", generation), A[1]) == []
    [second] = peer.ack(first)
    assert second.upserts == (cluster("a/v1", 19),)


def test_what_changed_back_meanwhile_is_not_sent() -> None:
    peer = Peer(*A)
    [first] = peer.ask(CLUSTER)
    peer.publish(cluster("a/v1", 1), A[1])
    peer.publish(*A)
    assert peer.ack(first) == []


def test_endpoints_are_repeated_with_their_changed_cluster_in_the_same_breath() -> None:
    peer = Peer(*A)
    peer.ack(*peer.ask(CLUSTER))
    peer.ack(*peer.ask(ENDPOINTS, "a/v1"))
    clusters, load = peer.publish(cluster("a/v1", 1), A[1])
    assert (clusters.type, load.type, load.upserts) == (CLUSTER, ENDPOINTS, (A[1],))


def test_endpoints_are_repeated_as_accepted_and_alone_before_newer_ones() -> None:
    peer = Peer(*A)
    peer.ack(*peer.ask(CLUSTER))
    peer.ack(*peer.ask(ENDPOINTS, "a/v1"))
    newer = endpoints("a/v1", 1)
    _, load = peer.publish(cluster("a/v1", 1), newer)
    assert load.upserts == (A[1],)
    [follows] = peer.ack(load)
    assert follows.upserts == (newer,)


def test_endpoints_of_a_new_cluster_wait_to_be_asked_for() -> None:
    peer = Peer(*A)
    peer.ack(*peer.ask(CLUSTER))
    peer.ack(*peer.ask(ENDPOINTS, "a/v1"))
    assert kinds(peer.publish(*A, *B)) == ["Cluster"]


def test_a_name_asked_for_again_is_sent_again() -> None:
    peer = Peer(*A)
    peer.ack(*peer.ask(ENDPOINTS, "a/v1"))
    [again] = peer.ask(ENDPOINTS, "a/v1")
    assert names(again) == ["a/v1"]


def test_a_name_dropped_and_asked_for_again_is_sent_again() -> None:
    peer = sotw_peer(*A, *B)
    [first] = peer.want(ENDPOINTS, "a/v1", "b/v1")
    assert peer.answer(first, "b/v1") == []
    [again] = peer.want(ENDPOINTS, "a/v1", "b/v1", nonce=first.nonce)
    assert names(again) == ["a/v1"]


def test_a_stale_request_still_adds_its_names() -> None:
    peer = sotw_peer(*A, *B)
    [first] = peer.want(ENDPOINTS, "a/v1")
    assert peer.want(ENDPOINTS, "a/v1", "b/v1", nonce="stale") == []  # one is on its way
    [second] = peer.answer(first, "a/v1", "b/v1")
    assert names(second) == ["b/v1"]


def test_a_stale_nonce_acknowledges_nothing() -> None:
    peer = Peer(*A)
    peer.ask(CLUSTER)
    peer.publish(cluster("a/v1", 1), A[1])
    assert peer.ask(CLUSTER, nonce="stale") == []


def test_a_name_unsubscribed_under_a_wildcard_is_sent_again() -> None:
    peer = Peer(*A)
    peer.ack(*peer.ask(CLUSTER, "*", "a/v1"))
    [again] = peer.ask(CLUSTER, drop=["a/v1"])
    assert names(again) == ["a/v1"]


def test_what_is_given_by_name_only_goes_to_who_asks_for_it() -> None:
    api = api_listener("voice.mesh", "web")
    peer = Peer(*A, WEB[0], api)
    peer.ask(CLUSTER)
    [first] = peer.ask(LISTENER)
    assert names(first) == ["web"]
    [second] = [*peer.ask(LISTENER, "voice.mesh"), *peer.ack(first)]
    assert names(second) == ["voice.mesh"]


def test_a_missing_name_is_told_once_and_pushed_when_it_appears() -> None:
    peer = Peer(*A, node=LIBRARY)
    [absent] = peer.ask(ROUTES, "web")
    assert (absent.upserts, absent.removed) == ((), ("web",))
    assert peer.ack(absent) == []
    assert kinds(peer.publish(*A, WEB[1])) == ["RouteConfiguration"]


def test_missing_endpoints_are_not_told() -> None:
    assert Peer(*A).ask(ENDPOINTS, "b/v1") == []


def test_a_missing_name_is_silence_in_state_of_the_world() -> None:
    peer = sotw_peer(*A, node=LIBRARY)
    assert peer.want(ROUTES, "web") == []
    assert kinds(peer.publish(*A, WEB[1])) == ["RouteConfiguration"]


def test_complete_answers_hold_everything_and_others_what_changed() -> None:
    peer = sotw_peer(*A, *B)
    [clusters] = peer.want(CLUSTER)
    peer.answer(clusters)
    [clusters] = peer.publish(cluster("a/v1", 1), A[1], *B)
    assert (names(clusters), held(clusters)) == (["a/v1"], ["a/v1", "b/v1"])
    [load] = peer.want(ENDPOINTS, "a/v1", "b/v1")
    peer.answer(load, "a/v1", "b/v1")
    [load] = peer.publish(cluster("a/v1", 1), endpoints("a/v1", 1), *B)
    assert (names(load), load.state) == (["a/v1"], None)


def test_a_refused_resource_is_not_sent_again_until_it_changes() -> None:
    peer = Peer(*A)
    [sent] = peer.ask(CLUSTER)
    assert peer.nack(sent) == []
    assert peer.publish(*A, WEB[1]) == []
    assert peer.wait(10_000) == []
    assert kinds(peer.publish(cluster("a/v1", 1), A[1])) == ["Cluster"]


def test_a_client_that_asks_again_for_what_it_refuses_is_given_what_it_had_and_still_refuses() -> None:
    peer = Peer(*A)
    peer.ack(*peer.ask(CLUSTER))
    peer.ack(*peer.ask(ENDPOINTS, "a/v1"))
    [bad] = peer.publish(A[0], endpoints("a/v1", 1, NAMED))
    peer.nack(bad)
    [repeated] = peer.ask(ENDPOINTS, "a/v1")
    assert repeated.upserts == (A[1],)
    assert peer.ack(repeated) == []
    assert peer.stream.status(peer.now).state is NodeState.REFUSED
    [better] = peer.publish(A[0], endpoints("a/v1", 2))
    peer.ack(better)
    assert peer.stream.status(peer.now).state is NodeState.SYNCED


def test_refused_endpoints_are_tried_again_after_their_cluster_has_changed() -> None:
    peer = Peer(*A)
    peer.ack(*peer.ask(CLUSTER))
    peer.ack(*peer.ask(ENDPOINTS, "a/v1"))
    refused = endpoints("a/v1", 1, NAMED)
    [first] = peer.publish(A[0], refused)
    peer.nack(first)
    changed, repeated = peer.publish(cluster("a/v1", 1), refused)
    assert repeated.upserts == (A[1],)
    [tried] = peer.ack(changed, repeated)
    assert tried.upserts == (refused,)
    assert peer.ack(tried) == []
    assert peer.stream.status(peer.now).state is NodeState.SYNCED


def test_a_refusal_keeps_its_reason_and_the_node_is_called_refused() -> None:
    peer = Peer(*A)
    [sent] = peer.ask(CLUSTER)
    peer.nack(sent, "Error adding/updating cluster(s) a/v1: no LB")
    status = peer.stream.status(peer.now)
    [refusal] = status.refusals
    assert (refusal.ref, refusal.version) == (A[0].ref, A[0].version)
    assert refusal.reason.endswith("no LB")
    assert status.state is NodeState.REFUSED


IN_USE = "Error adding/updating listener(s) web: cannot bind '127.0.0.1:1': Address already in use"


def test_refusal_of_what_the_view_has_otherwise_by_now_is_told_all_the_same() -> None:
    peer = Peer(cluster("a/v1"))
    [sent] = peer.ask(CLUSTER)
    peer.publish(cluster("a/v1", 1))
    peer.nack(sent, "Error adding/updating cluster(s) a/v1: no LB")
    status = peer.stream.status(peer.now)
    assert status.refusals == (), "what it shall have now was not refused"
    assert [(one.ref.name, one.version) for one in status.types[0].refused] == [("a/v1", A[0].version)]


def test_an_address_in_use_is_tried_again_ever_more_rarely_and_once_each_time() -> None:
    peer = Peer(listener("web"), node=LIBRARY)
    [sent] = peer.ask(LISTENER)
    began = peer.now
    for after in (1, 2, 4, 8, 16, 32, 60, 60):
        assert peer.nack(sent, IN_USE) == []
        assert peer.wait(after - 0.1) == []
        [sent] = peer.wait(0.1)
        assert peer.wait(after) == []
    [refusal] = peer.stream.status(peer.now).refusals
    assert (refusal.passing, refusal.since) == (True, began)
    assert peer.ack(sent) == []
    assert peer.stream.status(peer.now).state is NodeState.SYNCED
    assert peer.wait(1000) == []


def test_where_nobody_knows_what_a_client_holds_an_address_in_use_is_tried_again_as_rarely() -> None:
    peer = sotw_peer(listener("web"), node=LIBRARY)
    [sent] = peer.want(LISTENER, version="of another server")
    for after in (1, 2, 4):
        assert peer.answer(sent, error=IN_USE) == []
        assert peer.wait(after - 0.1) == []
        [sent] = peer.wait(0.1)
    assert peer.answer(sent) == []
    assert peer.stream.status(peer.now).state is NodeState.SYNCED


def test_another_version_of_a_listener_whose_address_is_in_use_goes_out_at_once() -> None:
    peer = Peer(listener("web"))
    [sent] = peer.ask(LISTENER)
    peer.nack(sent, IN_USE)
    [sent] = peer.publish(listener("web", 1))
    peer.nack(sent, IN_USE)
    [again] = peer.wait(1)
    assert names(again) == ["web"]
    peer.nack(again, "Error adding/updating listener(s) web: no filter chains")
    assert peer.wait(1000) == []


def test_siblings_of_a_named_culprit_go_out_again_without_it() -> None:
    bad = cluster("bad/v1", quality=NAMED)
    peer = Peer(*A, *B, bad)
    [sent] = peer.ask(CLUSTER)
    [again] = peer.nack(sent, "Error adding/updating cluster(s) bad/v1: no LB")
    assert names(again) == ["a/v1", "b/v1"]
    assert peer.ack(again) == []


def test_an_unnamed_culprit_is_found_by_halves() -> None:
    peer = Peer(*(cluster(f"{name}/v1") for name in "abcd"))
    sends, tried = peer.ask(CLUSTER), list[list[str]]()
    while sends:
        [sent] = sends
        tried.append(names(sent))
        sends = peer.nack(sent, "Invalid duration") if "c/v1" in names(sent) else peer.ack(sent)
    assert tried[1:] == [["a/v1", "b/v1"], ["c/v1", "d/v1"], ["c/v1"], ["d/v1"]]
    assert [one.ref.name for one in peer.stream.status(peer.now).refusals] == ["c/v1"]


def test_trials_leave_everything_else_as_the_client_has_it() -> None:
    peer = sotw_peer(*A, *B)
    [clusters] = peer.want(CLUSTER)
    peer.answer(clusters)
    [sent] = peer.publish(cluster("a/v1", 1), A[1], cluster("b/v1", 1), B[1])
    [trial] = peer.answer(sent, error="Invalid duration")
    assert trial.state is not None
    assert [trial.state["a/v1"], trial.state["b/v1"]] == [cluster("a/v1", 1), B[0]]


def test_going_back_after_a_refusal_is_another_answer() -> None:
    """Envoy may have taken a part, and ignores an answer that carries the version it has."""
    peer = sotw_peer(*A)
    [first] = peer.want(CLUSTER)
    peer.answer(first)
    [bad] = peer.publish(cluster("a/v1", 1), A[1])
    peer.answer(bad, error="no good")
    [back] = peer.publish(*A)
    assert back.upserts == (A[0],)
    assert (first.attempt, back.attempt) == (0, 1)


def test_what_a_reconnecting_client_names_at_its_hash_is_not_sent() -> None:
    peer = Peer(*A, *WEB)
    [clusters] = peer.ask(CLUSTER, holds={"a/v1": A[0].version})
    assert clusters.upserts == ()
    assert peer.ask(ENDPOINTS, "a/v1", holds={"a/v1": A[1].version}) == []
    [listeners] = peer.ask(LISTENER)
    assert names(listeners) == ["web"]  # its cluster is had


def test_what_a_reconnecting_client_names_at_another_version_is_sent() -> None:
    peer = Peer(*A)
    assert peer.ask(CLUSTER, holds={"a/v1": "older"}) == []  # its endpoints first
    assert peer.ask(ENDPOINTS, "a/v1", holds={"a/v1": A[1].version}) != []


def test_a_reconnecting_client_that_has_its_routes_waits_for_no_cluster_of_theirs() -> None:
    bad = endpoints("a/v1", 1, NAMED)
    peer = Peer(A[0], bad, *WEB)
    peer.ack(*peer.ask(CLUSTER, holds={"a/v1": A[0].version}))
    [load] = peer.ask(ENDPOINTS, "a/v1", holds={"a/v1": A[1].version})
    [first] = peer.ask(LISTENER, holds={"web": WEB[0].version})
    assert first.upserts == ()
    assert peer.ask(ROUTES, "web", holds={"web": WEB[1].version}) == []
    peer.ack(first)
    assert peer.nack(load, "malformed IP address: x") == []
    status = peer.stream.status(peer.now)
    assert (status.state, status.reached) == (NodeState.REFUSED, peer.world.snapshot.revision)


def test_a_client_that_turns_out_to_have_what_comes_waits_for_no_cluster_of_it() -> None:
    older = routes("web", {"host": ["a/v1"]}, 1)
    peer = Peer(A[0], endpoints("a/v1", 1, NAMED), *WEB)
    peer.ack(*peer.ask(CLUSTER, holds={"a/v1": A[0].version}))
    [load] = peer.ask(ENDPOINTS, "a/v1", holds={"a/v1": A[1].version})
    peer.ask(ROUTES, "web", holds={"web": older.version})
    peer.nack(load, "malformed IP address: x")
    assert peer.publish(A[0], endpoints("a/v1", 1, NAMED), WEB[0], older) == []
    assert peer.stream.status(peer.now).reached == peer.world.snapshot.revision


def test_a_changed_cluster_follows_its_endpoints_at_a_reconnect() -> None:
    peer = Peer(cluster("a/v1", 1), endpoints("a/v1", 1))
    peer.ask(CLUSTER, holds={"a/v1": A[0].version})
    [load] = peer.ask(ENDPOINTS, "a/v1", holds={"a/v1": A[1].version})
    assert names(load) == ["a/v1"]
    assert kinds(peer.ack(load)) == ["Cluster", "ClusterLoadAssignment"]


def test_what_comes_back_into_the_view_after_a_reconnect_waits_for_nothing() -> None:
    web = {"old": routes("web", {"host": ["a/v1"]}), "new": routes("web", {"host": ["b/v1"]})}
    peer = Peer(*A, WEB[0], web["old"])
    peer.publish(*B, WEB[0], web["new"])
    [clusters] = peer.ask(CLUSTER, holds={"a/v1": A[0].version})
    peer.ask(ENDPOINTS, "a/v1", holds={"a/v1": A[1].version})
    peer.ack(clusters)
    peer.ask(LISTENER, holds={"web": WEB[0].version})
    peer.ask(ROUTES, "web", holds={"web": web["old"].version})
    sends = peer.ack(*peer.ask(ENDPOINTS, "b/v1"))
    while sends:
        sends = peer.ack(*sends)
    [back] = peer.publish(*A, WEB[0], web["old"])  # its cluster and endpoints are still held
    assert (back.type, names(back)) == (ROUTES, ["web"])
    peer.ack(back)
    [gone] = peer.wait(GRACE + 1)
    assert (gone.type, gone.removed) == (CLUSTER, ("b/v1",))


def test_what_the_view_lacks_leaves_last_after_a_reconnect() -> None:
    peer = Peer(*A, *WEB)
    old = routes("web", {"host": ["old/v1"]})
    peer.ack(*peer.ask(CLUSTER, holds={"a/v1": A[0].version, "old/v1": "1"}))
    peer.ask(ENDPOINTS, "a/v1", "old/v1", holds={"a/v1": A[1].version, "old/v1": "1"})
    peer.ack(*peer.ask(LISTENER, holds={"web": WEB[0].version}))
    [sent] = peer.ask(ROUTES, "web", holds={"web": old.version})
    assert peer.wait(GRACE * 3) == []  # what the held routes need is not known
    assert peer.ack(sent) == []
    [gone] = peer.wait(GRACE + 1)
    assert (gone.type, gone.removed) == (CLUSTER, ("old/v1",))


def test_nothing_leaves_before_a_reconnecting_client_has_said_what_it_holds() -> None:
    peer = Peer(*A)
    [sent] = peer.ask(CLUSTER, holds={"a/v1": A[0].version, "old/v1": "1"})
    assert peer.wait(GRACE * 3) == []
    peer.ack(sent)
    assert kinds(peer.wait(GRACE + 1)) == ["Cluster"]


def test_a_reconnecting_client_that_cannot_say_gets_the_view_and_what_it_lost() -> None:
    peer = sotw_peer(*A, *B)
    peer.publish(*A)
    assert peer.want(CLUSTER, version="older") == []  # endpoints first: which clusters are old is not known
    [load] = peer.want(ENDPOINTS, "a/v1", "b/v1", version="older")
    sends = peer.answer(load, "a/v1", "b/v1")
    assert held(sends[0]) == ["a/v1", "b/v1"]
    peer.answer(sends[0])
    [gone] = peer.wait(GRACE + 1)
    assert held(gone) == ["a/v1"]


@pytest.mark.parametrize("refusals", ["", "-2"])
def test_a_reconnecting_client_at_the_version_of_the_view_is_given_nothing_back(refusals: str) -> None:
    peer = sotw_peer(*A, *B)
    peer.publish(*A)
    [sent] = peer.want(CLUSTER, version=digest((A[0],)) + refusals)
    assert held(sent) == ["a/v1"]
    [load] = peer.want(ENDPOINTS, "a/v1", version="older")
    assert names(load) == ["a/v1"]


def test_a_reconnecting_client_at_the_version_of_all_that_was_is_given_what_the_view_lost() -> None:
    peer = sotw_peer(*A, *B)
    peer.publish(*A)
    assert peer.want(CLUSTER, version=digest((A[0], B[0]))) == []
    [load] = peer.want(ENDPOINTS, "a/v1", "b/v1", version="older")
    assert held(peer.answer(load, "a/v1", "b/v1")[0]) == ["a/v1", "b/v1"]


def test_a_client_that_holds_nothing_gets_the_view_alone() -> None:
    peer = sotw_peer(*A, *B)
    peer.publish(*A)
    [sent] = peer.want(CLUSTER)
    assert held(sent) == ["a/v1"]


def test_a_lost_listener_does_not_join_where_its_address_is_taken() -> None:
    old, new = listener("old", address="one", routes="web"), listener("new", address="one", routes="web")
    peer = sotw_peer(old, listener("other", routes="web"))
    peer.publish(new)
    peer.want(CLUSTER)
    [sent] = peer.want(LISTENER, version="older")
    assert held(sent) == ["new", "other"]


def test_of_two_lost_listeners_on_one_address_the_newer_joins() -> None:
    older, newer = (
        listener("older", address="one", routes="web"),
        listener("newer", address="one", routes="web"),
    )
    peer = sotw_peer(older, node=LIBRARY)
    peer.publish(newer)
    peer.publish(*A, *WEB)
    [sent] = peer.want(LISTENER, version="older")
    assert held(sent) == ["newer", "web"]


def test_endpoints_follow_a_cluster_that_went_out_before_they_were_asked_for() -> None:
    peer = Peer(*A)
    [clusters] = peer.ask(CLUSTER)
    assert names(clusters) == ["a/v1"]
    [load] = peer.ask(ENDPOINTS, "a/v1", holds={"a/v1": A[1].version})
    assert names(load) == ["a/v1"]


def test_an_envoy_that_asks_for_endpoints_before_clusters_warms_some_and_gets_the_endpoints_of_all() -> None:
    peer = Peer(*A, *B)
    held = {"a/v1": A[1].version, "b/v1": "older"}
    [known] = peer.ask(ENDPOINTS, *held, holds=held)
    assert names(known) == ["a/v1"]
    [other] = peer.ack(known)
    assert names(other) == ["b/v1"]
    assert peer.ack(other) == []


def test_an_envoy_that_warms_clusters_gets_no_routes_to_new_ones_and_is_not_synced() -> None:
    peer = Peer(*A, *B, routes("web", {"host": ["b/v1"]}))
    [warm] = peer.ask(ENDPOINTS, "a/v1", holds={"a/v1": A[1].version})
    assert peer.ask(ROUTES, "web", holds={"web": "older"}) == []
    assert peer.ack(warm) == []
    status = peer.stream.status(peer.now)
    assert (status.state, status.reached) == (NodeState.WAITING, 0)
    [clusters] = peer.ask(CLUSTER, holds={"a/v1": A[0].version})
    assert names(clusters) == ["b/v1"]
    [load] = peer.ask(ENDPOINTS, "b/v1")
    assert names(load) == ["b/v1"]
    assert kinds([*peer.ack(clusters), *peer.ack(load)]) == ["RouteConfiguration"]


def test_an_envoy_with_no_change_but_warming_clusters_is_not_synced() -> None:
    peer = Peer(*A)
    [warm] = peer.ask(ENDPOINTS, "a/v1", holds={"a/v1": A[1].version})
    assert peer.ack(warm) == []
    assert "warming" in peer.stream.status(peer.now).reason
    assert peer.ask(CLUSTER, holds={"a/v1": A[0].version}) != []
    assert peer.stream.status(peer.now).state is not NodeState.WAITING


def test_a_library_that_asks_for_endpoints_first_gets_nothing_that_it_has() -> None:
    peer = Peer(*A, node=LIBRARY)
    assert peer.ask(ENDPOINTS, "a/v1", holds={"a/v1": A[1].version}) == []
    assert peer.stream.status(peer.now).state is NodeState.SYNCED


def test_a_complete_answer_over_the_unknown_is_never_retried_without_the_culprit() -> None:
    peer = sotw_peer(*WEB, listener("bad", routes="web"), node=LIBRARY)
    [sent] = peer.want(LISTENER, version="older")
    error = "Error adding/updating listener(s) bad: no good"
    assert peer.answer(sent, error=error) == []
    assert peer.publish(*WEB, listener("bad", routes="web"), *A) == []
    [again] = peer.publish(*WEB, listener("bad", 1, routes="web"), *A)
    assert held(again) == ["bad", "web"]


def test_routes_that_do_not_exist_are_told_absent_to_who_names_them() -> None:
    peer = Peer(*A)
    [absent] = peer.ask(ROUTES, "egress/x")
    assert absent.removed == ("egress/x",)


def test_the_revision_counts_when_removals_are_done_too() -> None:
    peer = Peer(*A, *B)
    peer.ack(*peer.ask(CLUSTER))
    assert peer.stream.status(peer.now).revision == 1
    peer.publish(*A)
    assert peer.stream.status(peer.now).revision == 1
    peer.ack(*peer.wait(GRACE + 1))
    status = peer.stream.status(peer.now)
    assert (status.revision, status.state) == (2, NodeState.SYNCED)


def test_revision_is_reached_when_all_was_answered_whatever_has_yet_to_leave() -> None:
    peer = Peer(*A, *B)
    peer.ack(*peer.ask(CLUSTER))
    reached = peer.stream.status(peer.now).reached
    sends = peer.publish(cluster("a/v1", 2))
    assert peer.stream.status(peer.now).reached == reached
    peer.ack(*sends)
    status = peer.stream.status(peer.now)
    assert status.reached > reached
    assert status.revision == reached, "b/v1 is still there"


def test_an_unanswered_answer_is_an_alarm_and_nothing_more() -> None:
    peer = Peer(*A)
    peer.ask(CLUSTER)
    assert peer.stream.status(peer.now).state is NodeState.SENDING
    assert peer.wait(21) == []
    assert peer.stream.status(peer.now).state is NodeState.STALLED


def test_a_name_that_the_view_lost_is_told_absent_to_who_never_had_it() -> None:
    peer = Peer(cluster("a/v1"), routes("old", {}))
    peer.publish(cluster("a/v1"))
    [absent] = peer.ask(ROUTES, "old", "never")
    assert absent.removed == ("never", "old")
    assert peer.ack(absent) == []


def test_a_name_among_thousands_that_do_not_exist_is_sent_once_it_does() -> None:
    unknown = [f"x{number}" for number in range(2_000)]
    peer = Peer(cluster("a/v1"))
    peer.ack(*peer.ask(ROUTES, *unknown))
    [told] = peer.publish(cluster("a/v1"), routes("x7", {}))
    assert names(told) == ["x7"]
    assert told.removed == ()

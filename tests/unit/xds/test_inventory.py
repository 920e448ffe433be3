"""What a client has of each name, against what its view has."""

from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Ref
from meshctl.xds.inventory import Item, Stand
from tests.support.xds_peer import Peer
from tests.support.xds_world import cluster, endpoints, listener, routes

A = (cluster("a/v1"), endpoints("a/v1"))
WEB = (listener("web"), routes("web", {"host": ["a/v1"]}))
CLUSTER_A = Ref(CLUSTER, "a/v1")


def item(peer: Peer, ref: Ref) -> Item:
    return next(one for one in peer.stream.inventory().items if one.ref == ref)


def synced() -> Peer:
    peer = Peer(*A)
    peer.ack(*peer.ask(CLUSTER))
    peer.ack(*peer.ask(ENDPOINTS, "a/v1"))
    return peer


def test_nothing_is_told_while_there_is_no_view() -> None:
    peer = Peer()
    peer.ask(CLUSTER)
    found = peer.stream.inventory()
    assert (found.view, found.revision, found.items) == ("", 0, ())


def test_acknowledged_resources_are_accepted_at_the_version_of_the_view() -> None:
    found = synced().stream.inventory()
    assert [(one.ref, one.stand, one.accepted, one.wanted) for one in found.items] == [
        (CLUSTER_A, Stand.ACCEPTED, A[0], A[0]),
        (Ref(ENDPOINTS, "a/v1"), Stand.ACCEPTED, A[1], A[1]),
    ]


def test_unanswered_version_is_sent_and_the_one_before_is_what_the_client_has() -> None:
    peer = synced()
    newer = cluster("a/v1", 1)
    [sent, _] = peer.publish(newer, A[1])
    found = item(peer, CLUSTER_A)
    assert (found.stand, found.accepted, found.wanted) == (Stand.SENT, A[0], newer)
    newest = cluster("a/v1", 2)
    peer.publish(newest, A[1])
    assert item(peer, CLUSTER_A).stand is Stand.PENDING
    peer.ack(*peer.ack(sent))
    assert item(peer, CLUSTER_A).accepted == newest


def test_refused_version_is_told_with_the_reason_and_what_is_kept() -> None:
    peer = synced()
    bad = cluster("a/v1", 1)
    [sent, _] = peer.publish(bad, A[1])
    peer.nack(sent, "no good")
    found = item(peer, CLUSTER_A)
    assert (found.stand, found.accepted, found.wanted) == (Stand.REFUSED, A[0], bad)
    assert found.refusal is not None
    assert found.refusal.reason == "no good"


def test_what_waits_is_told_with_what_it_waits_for() -> None:
    peer = Peer(*A, *WEB)
    peer.ask(CLUSTER)
    peer.ask(LISTENER)
    peer.ask(ROUTES, "web")
    found = item(peer, Ref(ROUTES, "web"))
    assert (found.stand, found.accepted, found.wanted) == (Stand.WAITING, None, WEB[1])
    assert found.waits_for == (CLUSTER_A,)
    whole = peer.stream.inventory().items
    assert peer.stream.inventory(waiting=True).items == tuple(i for i in whole if i.stand is Stand.WAITING)
    assert synced().stream.inventory(waiting=True).items == ()


def test_what_the_view_has_no_more_is_leaving() -> None:
    peer = synced()
    peer.publish()
    found = item(peer, CLUSTER_A)
    assert (found.stand, found.accepted, found.wanted) == (Stand.LEAVING, A[0], None)

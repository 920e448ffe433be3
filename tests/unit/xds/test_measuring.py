"""From the publication of a change to its ACK: what is measured, and from when."""

from meshctl.names import CLUSTER, ENDPOINTS, ROUTES, TypeUrl
from meshctl.snapshot import Resource
from meshctl.xds.events import Send
from tests.support.xds_peer import Peer
from tests.support.xds_world import cluster, endpoints, listener, routes

A = (cluster("a/v1"), endpoints("a/v1"))


def took(peer: Peer, type_url: TypeUrl) -> float | None:
    short = {CLUSTER: "cds", ENDPOINTS: "eds", ROUTES: "rds"}[type_url]
    status = peer.stream.status(peer.now)
    return next(one.took for one in status.types if one.type == short)


def synced() -> Peer:
    peer = Peer(*A)
    peer.ack(*peer.ask(CLUSTER))
    peer.ack(*peer.ask(ENDPOINTS, "a/v1"))
    return peer


def publish(peer: Peer, *resources: Resource, since: float | None = None) -> list[Send]:
    peer.stream.publish(peer.world.publish(resources), peer.now, since)
    return peer.stream.take_effects()


def test_what_a_client_is_given_when_it_connects_is_no_change() -> None:
    peer = synced()
    assert (took(peer, CLUSTER), took(peer, ENDPOINTS)) == (None, None)


def test_change_takes_from_its_publication_to_its_ack() -> None:
    peer = synced()
    [sent] = publish(peer, A[0], endpoints("a/v1", 1), since=peer.now - 2)
    peer.now += 3
    peer.ack(sent)
    assert took(peer, ENDPOINTS) == 5


def test_endpoints_that_are_repeated_for_their_cluster_are_no_change() -> None:
    peer = synced()
    clusters, load = publish(peer, cluster("a/v1", 1), A[1])
    peer.now += 1
    peer.ack(clusters, load)
    assert (took(peer, CLUSTER), took(peer, ENDPOINTS)) == (1, None)


def test_change_that_came_while_another_was_on_its_way_counts_from_its_own_publication() -> None:
    peer = synced()
    [first] = publish(peer, A[0], endpoints("a/v1", 1))
    peer.now += 10
    publish(peer, A[0], endpoints("a/v1", 2))
    peer.now += 1
    [second] = peer.ack(first)
    assert took(peer, ENDPOINTS) == 11
    peer.now += 1
    peer.ack(second)
    assert took(peer, ENDPOINTS) == 2


def test_what_a_route_waited_for_counts_too() -> None:
    web = listener("web")
    peer = Peer(*A, web, routes("web", {"host": ["a/v1"]}))
    peer.ack(*peer.ask(CLUSTER))
    peer.ack(*peer.ask(ENDPOINTS, "a/v1"))
    peer.ack(*peer.ask(ROUTES, "web"))
    b = (cluster("b/v1"), endpoints("b/v1"))
    [clusters] = publish(peer, *A, *b, web, routes("web", {"host": ["b/v1"]}))
    peer.now += 4
    peer.ack(clusters)
    [load] = peer.ask(ENDPOINTS, "b/v1")
    [moved] = peer.ack(load)
    assert moved.type == ROUTES
    peer.now += 1
    peer.ack(moved)
    assert took(peer, ROUTES) == 5


def test_change_that_was_taken_back_before_it_went_out_does_not_age_the_next_one() -> None:
    peer = synced()
    [first] = publish(peer, A[0], endpoints("a/v1", 1))
    publish(peer, A[0], endpoints("a/v1", 2))
    publish(peer, A[0], endpoints("a/v1", 1))
    assert peer.ack(first) == []
    peer.now += 100
    [later] = publish(peer, A[0], endpoints("a/v1", 3))
    peer.ack(later)
    assert took(peer, ENDPOINTS) == 0

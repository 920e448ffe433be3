"""What goes at once and what waits, folded into the contents of one view."""

from collections.abc import Mapping

from meshctl.envoy import pb, weights
from meshctl.names import CLUSTER, ENDPOINTS, ROUTES, Ref, ResourceKey
from meshctl.operations.at_once import Change, waved
from meshctl.operations.contents import ended, fold, skipped, with_contents
from meshctl.snapshot import ALIKE, Contents, Part, Resource, View
from meshctl.snapshot.encode import assemble, encode_part

Held = dict[Ref, Resource | None]
RDS = Ref(ROUTES, "r")


def cluster(name: str, content: str = "") -> Resource:
    return assemble(ResourceKey(CLUSTER, name), f"{name}{content}".encode())


def endpoints(name: str, content: str = "") -> Resource:
    return assemble(ResourceKey(ENDPOINTS, name), f"{name}{content}".encode())


def host(name: str, split: Mapping[str, int], seconds: int = 1) -> Part:
    """A virtual host with two routes: one by this split, and one to `name` alone."""
    parts = [
        pb.WeightedCluster.ClusterWeight(name=of, weight=pb.uint32(weight)) for of, weight in split.items()
    ]
    action = pb.RouteAction(weighted_clusters=pb.WeightedCluster(clusters=parts))
    action.timeout.seconds = seconds
    routes = [
        pb.Route(match=pb.RouteMatch(prefix="/x"), route=pb.RouteAction(cluster=name)),
        pb.Route(match=pb.RouteMatch(prefix="/"), route=action),
    ]
    message = pb.VirtualHost(name=name, domains=[name], routes=routes)
    return encode_part(name, message, [Ref(CLUSTER, of) for of in {name, *split}])


def routes(*parts: Part, head: bytes = b"") -> Resource:
    return assemble(ResourceKey(ROUTES, "r"), head, parts)


def held(*resources: Resource) -> Held:
    return {one.ref: one for one in resources}


BOTH = held(cluster("a"), endpoints("a"), cluster("b"), endpoints("b"))
FULL = held(*(one for one in BOTH.values() if one), routes(host("a", {"a": 90, "b": 10})))


def change(old: Held, new: Held) -> Change:
    return {ref: (old.get(ref), new.get(ref)) for ref in {**old, **new} if old.get(ref) != new.get(ref)}


def late(old: Held, new: Held, before: Held | None = None) -> set[str]:
    return {ref.name for ref in waved(change(old, new), old.get, before or {})}


def taken(contents: Contents, old: Held, new: Held, *, anew: bool = False) -> Contents:
    return fold(contents, change(old, new), old.get, lambda _names: anew).contents


def shifted(split: Mapping[str, int], seconds: int = 1) -> Held:
    return {**FULL, RDS: routes(host("a", split, seconds))}


def test_endpoints_alone_go_at_once() -> None:
    assert not late(FULL, {**FULL, **held(endpoints("a", "2"))})


def test_endpoints_go_with_their_cluster_and_with_routes_to_it_that_wait() -> None:
    new = held(endpoints("a", "2"), endpoints("b", "2"), cluster("b", "2"))
    assert waved(change(FULL, {**FULL, **new}), FULL.get, {}) == {Ref(CLUSTER, "b"), Ref(ENDPOINTS, "b")}
    slower = {**shifted({"a": 90, "b": 10}, seconds=2), **held(endpoints("a", "2"))}
    assert late(FULL, slower) == {"r", "a"}


def test_endpoints_go_at_once_with_weights_that_do() -> None:
    assert not late(FULL, {**shifted({"a": 10, "b": 90}), **held(endpoints("b", "many"))})


def test_weights_between_clusters_that_all_have_go_at_once() -> None:
    assert not late(FULL, shifted({"a": 10, "b": 90}))
    assert not late(FULL, shifted({"b": 100}))


def test_weights_of_a_cluster_that_is_new_wait() -> None:
    new = {**shifted({"a": 90, "c": 10}), **held(cluster("c"), endpoints("c"))}
    assert late(FULL, new) == {"r", "c"}


def test_routes_that_change_in_anything_else_wait() -> None:
    assert late(FULL, shifted({"a": 90, "b": 10}, seconds=2)) == {"r"}
    assert late(FULL, {**FULL, RDS: routes(host("a", {"a": 90, "b": 10}), head=b"\x50\x01")}) == {"r"}
    more = routes(host("a", {"a": 90, "b": 10}), host("b", {"b": 1}))
    assert late(FULL, {**FULL, RDS: more}) == {"r"}


def test_what_a_weight_says_beyond_its_share_waits() -> None:
    old, new = (weights.host_of(host("a", {"a": 1, "b": 1}).body) for _ in range(2))
    new.routes[1].route.weighted_clusters.clusters[0].request_headers_to_remove.append("x")
    assert not weights.differ_in_weights_alone(old, new)


def test_way_back_to_what_was_before_the_last_run_goes_at_once_and_half_a_way_does_not() -> None:
    ran = {**FULL, **held(cluster("a", "2"), cluster("b", "2"))}
    before = {ref: FULL[ref] for ref in (Ref(CLUSTER, "a"), Ref(CLUSTER, "b"))}
    assert not late(ran, FULL, before)
    assert not late(ran, {**ran, **held(cluster("a"))}, before)
    assert late(ran, {**ran, **held(cluster("a"), cluster("b", "3"))}, before) == {"a", "b"}


def test_what_waits_is_held_by_all_but_the_leaders() -> None:
    new = {**FULL, **held(cluster("a", "2"))}
    contents = taken(ALIKE, FULL, new)
    assert contents.settled == held(cluster("a"))
    assert contents.leading == {}
    assert contents.moving == {Ref(CLUSTER, "a")}


def test_newer_change_waits_for_the_run_and_makes_the_next_one() -> None:
    first, second = (
        {**FULL, **held(cluster("a", "2"))},
        {**FULL, **held(cluster("a", "3"), cluster("b", "2"))},
    )
    contents = taken(taken(ALIKE, FULL, first), first, second)
    assert contents.settled == held(cluster("a"), cluster("b"))
    assert contents.leading == held(cluster("a", "2"), cluster("b"))
    assert contents.moving == {Ref(CLUSTER, "a")}
    following = ended(contents)
    assert following.settled == held(cluster("a", "2"), cluster("b"))
    assert following.moving == {Ref(CLUSTER, "a"), Ref(CLUSTER, "b")}
    assert following.before == held(cluster("a"))
    assert not ended(following).running


def test_change_that_supersedes_a_stopped_run_takes_its_place() -> None:
    first, second = {**FULL, **held(cluster("a", "2"))}, {**FULL, **held(cluster("a", "3"))}
    contents = taken(taken(ALIKE, FULL, first), first, second, anew=True)
    assert contents.settled == held(cluster("a"))
    assert contents.leading == {}


def test_undo_in_the_middle_leaves_nothing_waiting() -> None:
    new = {**FULL, **held(cluster("a", "2"))}
    assert not taken(taken(ALIKE, FULL, new), new, FULL).running


def test_newest_endpoints_reach_who_waits_with_an_older_cluster() -> None:
    first = {**FULL, **held(cluster("a", "2"), endpoints("a", "2"))}
    second = {**first, **held(endpoints("a", "3"))}
    contents = taken(taken(ALIKE, FULL, first), first, second)
    assert contents.settled == held(cluster("a"))


def test_endpoints_of_a_cluster_that_is_new_go_to_nobody_else() -> None:
    first = {**FULL, **held(cluster("c"), endpoints("c"))}
    second = {**first, **held(endpoints("c", "2"))}
    contents = taken(taken(ALIKE, FULL, first), first, second)
    assert contents.settled == {Ref(CLUSTER, "c"): None, Ref(ENDPOINTS, "c"): None}


def test_weights_reach_who_waits_with_older_routes() -> None:
    slower = shifted({"a": 90, "b": 10}, seconds=2)
    contents = taken(taken(ALIKE, FULL, slower), slower, shifted({"a": 10, "b": 90}, seconds=2))
    assert contents.settled == {RDS: routes(host("a", {"a": 10, "b": 90}))}


def test_undo_of_a_part_leaves_the_leaders_what_their_routes_need() -> None:
    first = {**shifted({"a": 50, "c": 50}), **held(cluster("c"), endpoints("c"))}
    second = shifted({"a": 90, "b": 10}, seconds=2)
    contents = taken(taken(ALIKE, FULL, first), first, second)
    needed = held(cluster("c"), endpoints("c"))
    assert contents.leading == {RDS: first[RDS], **needed}
    assert contents.settled == {RDS: FULL[RDS], **dict.fromkeys(needed)}


def test_what_the_last_content_loses_becomes_a_tombstone_then() -> None:
    kept = held(cluster("a"))
    view = View("v", {}, contents=Contents(settled=kept))
    renewed = with_contents(view, ended(view.contents), 7)
    assert {ref: stone.revision for ref, stone in renewed.tombstones.items()} == {Ref(CLUSTER, "a"): 7}
    assert not with_contents(view, skipped(view.contents), 7).contents.running

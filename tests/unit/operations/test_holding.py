"""What is held back of a view, while other things change in it."""

from dataclasses import replace

import pytest

from meshctl.names import CLUSTER, ENDPOINTS, ROUTES, Ref, ResourceKey
from meshctl.operations.contents import ended, fold, over, skipped
from meshctl.operations.holding import carried, give_up, hold, hush, last_good, let_go, seen
from meshctl.snapshot import ALIKE, Contents, Held, Resource
from meshctl.snapshot.encode import assemble
from meshctl.xds.holding import Holding

Content = dict[Ref, Resource | None]


def cluster(name: str, content: str = "") -> Resource:
    return assemble(ResourceKey(CLUSTER, name), f"{name}{content}".encode())


def routes(content: str, *needs: str) -> Resource:
    return assemble(ResourceKey(ROUTES, "r"), content.encode(), needs=[Ref(CLUSTER, name) for name in needs])


def content(*resources: Resource) -> Content:
    return {one.ref: one for one in resources}


def published(contents: Contents, old: Content, new: Content) -> Contents:
    change = {ref: (old.get(ref), new.get(ref)) for ref in {**old, **new} if old.get(ref) != new.get(ref)}
    known, as_seen = carried(contents, change, old.get)
    return fold(known, as_seen, seen(contents, old.get), lambda _names: False).contents


def refused(contents: Contents, head: Content, resource: Resource) -> Contents:
    """As when nodes refused a resource of the head."""
    kept = last_good(contents, (resource.ref, resource.version), ())
    held = Held(resource.version, kept, "bad", 1.0, frozenset({"n"}))
    return hold(contents, head.get, {resource.ref: held})


def has(contents: Contents, head: Content, *, led: bool) -> Content:
    overlay = contents.led if led else contents.waiting
    found = over(overlay, head.get)
    return {ref: found(ref) for ref in {**head, **overlay} if found(ref) is not None}


A, B, BAD = cluster("a"), cluster("b", "2"), cluster("a", "bad")
OLD = content(A, cluster("b"), routes("1", "a"))
NEW = content(BAD, B, routes("1", "a"))
SILENT = Held("", None, "no answer", 1.0, frozenset({"n"}), silent=True)


def running() -> Contents:
    return replace(published(ALIKE, OLD, NEW), leaders=frozenset({"n"}))


def test_refused_resource_goes_back_for_leaders_and_what_changed_beside_it_goes_on() -> None:
    contents = refused(running(), NEW, BAD)
    assert contents.moving == {B.ref}
    assert has(contents, NEW, led=True) == {**NEW, A.ref: A}
    assert has(contents, NEW, led=False) == OLD
    over_all = ended(contents)
    assert has(over_all, NEW, led=False) == {**NEW, A.ref: A}
    assert has(skipped(contents), NEW, led=False) == {**NEW, A.ref: A}


def test_run_of_nothing_else_is_over() -> None:
    head = {**OLD, A.ref: BAD}
    contents = refused(replace(published(ALIKE, OLD, head), leaders=frozenset({"n"})), head, BAD)
    assert not contents.running
    assert not contents.leaders
    assert has(contents, head, led=False) == OLD


def test_other_bytes_go_out_as_any_change_from_what_was_kept() -> None:
    contents = ended(refused(running(), NEW, BAD))
    repaired = {**NEW, A.ref: cluster("a", "good")}
    after = published(contents, NEW, repaired)
    assert not after.held
    assert after.settled == {A.ref: A}


def test_other_changes_leave_it_as_it_is() -> None:
    contents = ended(refused(running(), NEW, BAD))
    after = published(contents, NEW, {**NEW, B.ref: cluster("b", "3")})
    assert after.held == contents.held
    assert after.settled == {B.ref: B}


def test_taking_the_change_back_ends_it_and_moves_nothing() -> None:
    contents = refused(replace(running(), leading={}), NEW, BAD)
    after = published(contents, NEW, OLD)
    assert not after.held
    assert not after.running
    assert has(after, OLD, led=False) == OLD


def test_new_resource_is_held_back_as_absent() -> None:
    head = {**OLD, Ref(CLUSTER, "c"): cluster("c", "bad")}
    contents = refused(published(ALIKE, OLD, head), head, cluster("c", "bad"))
    assert has(contents, head, led=False) == OLD


def test_cluster_whose_first_endpoints_are_held_back_is_not_given_either() -> None:
    new = (cluster("c"), assemble(ResourceKey(ENDPOINTS, "c"), b"bad"))
    head = {**OLD, **content(*new)}
    contents = refused(published(ALIKE, OLD, head), head, new[1])
    assert has(contents, head, led=False) == OLD
    good = {**head, **content(assemble(ResourceKey(ENDPOINTS, "c"), b"good"))}
    after = published(contents, head, good)
    assert after.settled == {one.ref: None for one in new}


def test_what_a_kept_resource_needs_is_kept_with_it_until_it_is_not() -> None:
    bad = routes("bad", "b")
    head = content(cluster("b"), bad)  # `a` went with the routes to it
    contents = ended(refused(published(ALIKE, OLD, head), head, bad))
    assert has(contents, head, led=False) == OLD
    after = published(contents, head, content(cluster("b"), routes("good", "b")))
    assert not after.beside
    assert after.settled == {A.ref: A, Ref(ROUTES, "r"): routes("1", "a")}


def test_leaders_go_back_where_something_newer_waits_already() -> None:
    newest = {**NEW, A.ref: cluster("a", "good")}
    contents = published(running(), NEW, newest)
    assert contents.leading == {A.ref: BAD}
    contents = give_up(contents, newest.get, A.ref)
    assert contents.moving == {B.ref}
    assert has(contents, newest, led=True) == {**OLD, B.ref: B}


def test_last_good_is_another_version_that_a_node_accepted_or_what_the_last_run_replaced() -> None:
    bad = (A.ref, BAD.version)
    assert last_good(ALIKE, bad, [Holding(accepted=BAD), Holding(accepted=A)]) == A
    assert last_good(Contents(before={A.ref: A}), bad, [Holding(accepted=BAD)]) == A


def test_name_that_no_node_may_have_otherwise_is_new_and_what_is_unknown_is_not_absent() -> None:
    bad = (A.ref, BAD.version)
    assert last_good(ALIKE, bad, [Holding(possible=(BAD,)), Holding(accepted=BAD)]) is None
    for other in (Holding(claimed="older"), Holding(possible=(A, BAD))):
        with pytest.raises(LookupError):
            last_good(ALIKE, bad, [Holding(accepted=BAD), other])


def test_endpoints_are_new_only_where_the_last_run_brought_them() -> None:
    bad = assemble(ResourceKey(ENDPOINTS, "a"), b"bad")
    version = (bad.ref, bad.version)
    with pytest.raises(LookupError):
        last_good(ALIKE, version, [])
    assert last_good(Contents(before={bad.ref: None}), version, []) is None


def test_change_that_is_left_unanswered_is_given_to_nobody_until_a_part_of_it_changes() -> None:
    gone = cluster("gone")
    old, new = {**OLD, gone.ref: gone}, {**NEW, Ref(ROUTES, "r"): routes("2", "a", "b")}
    contents = hush(replace(published(ALIKE, old, new), leaders=frozenset({"n"})), new.get, SILENT, ())
    assert not contents.running
    assert contents.held.keys() == {A.ref, B.ref, gone.ref, Ref(ROUTES, "r")}
    assert has(contents, new, led=False) == old
    beside = published(contents, new, {**new, **content(cluster("c"))})
    assert beside.settled == {Ref(CLUSTER, "c"): None}
    assert has(beside, {**new, **content(cluster("c"))}, led=False) == old
    repaired = {**new, A.ref: cluster("a", "good")}
    after = published(contents, new, repaired)
    assert not after.held
    assert has(after, repaired, led=True) == repaired
    assert has(after, repaired, led=False) == old


def test_change_that_is_answered_after_all_goes_out_again_from_the_first_node() -> None:
    contents = hush(running(), NEW.get, SILENT, ())
    known, change = let_go(contents, NEW.get, contents.held.keys())
    after = fold(known, change, seen(contents, NEW.get), lambda _names: False).contents
    assert has(after, NEW, led=True) == NEW
    assert has(after, NEW, led=False) == OLD


def test_what_a_node_took_after_all_is_not_given_up_for_silence_again() -> None:
    contents = hush(running(), NEW.get, SILENT, {(A.ref, BAD.version)})
    assert contents.held.keys() == {B.ref}
    assert contents.moving == {A.ref}


def test_endpoints_that_change_by_themselves_repair_nothing_that_was_left_unanswered() -> None:
    new = content(cluster("c"), assemble(ResourceKey(ENDPOINTS, "c"), b"1"))
    head = {**OLD, **new}
    contents = hush(published(ALIKE, OLD, head), head.get, SILENT, ())
    after = published(contents, head, {**head, **content(assemble(ResourceKey(ENDPOINTS, "c"), b"2"))})
    assert after.held.keys() == {Ref(CLUSTER, "c")}


def test_leaders_go_back_from_what_they_left_unanswered_where_something_newer_waits() -> None:
    newest = {**NEW, A.ref: cluster("a", "good")}
    contents = hush(published(running(), NEW, newest), newest.get, SILENT, ())
    assert contents.held.keys() == {B.ref}
    assert has(contents, newest, led=True) == OLD
    assert contents.settled == {A.ref: A}


def test_routes_on_their_way_to_a_new_cluster_that_was_held_back_go_without_it_once_it_changed() -> None:
    new = cluster("c", "bad")
    head = {**OLD, **content(new, routes("2", "a", "c"))}
    contents = refused(replace(published(ALIKE, OLD, head), leaders=frozenset({"n"})), head, new)
    for changed in ({**head, new.ref: cluster("c", "good")}, {**OLD, **content(routes("3", "a"))}):
        after = published(contents, head, changed)
        assert has(after, changed, led=True) == {**OLD, **content(routes("2", "a", "c"))}
        assert new.ref in after.led, "absent, and known to be: it is not waited for"

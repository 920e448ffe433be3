from dataclasses import replace

import pytest

from meshctl.catalog.keys.protocol import Protocol
from meshctl.catalog.source import read_source
from meshctl.envoy.impact import Impact
from meshctl.mesh import edition
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Ref, Role, ViewKey
from meshctl.operations.compile import WATCHED, Compiler
from meshctl.operations.holding import hold
from meshctl.operations.load import resolved
from meshctl.operations.plan import Plan, Sign
from meshctl.operations.upgrade import upgrade
from meshctl.snapshot import Held, Snapshot
from meshctl.snapshot.disk import State
from meshctl.units import Duration
from tests.support.catalogs import MESH, service

TEXTS = {
    "mesh.yaml": MESH,
    "a/web.yaml": service("web", "users"),
    "a/users.yaml": service("users"),
    "a/chat.yaml": service("chat", "users"),
}
WEB, CHAT = ("sidecar/web@1.40", "sidecar/chat@1.40")


def compiler() -> Compiler:
    made = Compiler(resolved(TEXTS, WATCHED))
    for name in ("web", "chat"):
        made.open(ViewKey(Role.SIDECAR, (name,), "1.40"))
    made.publish()
    return made


def planned(file: str, text: bytes | None) -> list[tuple[str, Ref, Impact, tuple[str, ...]]]:
    made = compiler()
    before = made.snapshot
    made.resolver.change({file: None if text is None else read_source(file, text)})
    plan = Plan.between(before, made.publish())
    assert plan.revision == before.revision
    return [(one.sign.value, one.ref, one.impact, one.views) for one in plan.resources]


def test_nothing_changes_nothing() -> None:
    snapshot = compiler().snapshot
    assert Plan.between(snapshot, snapshot).resources == ()
    assert Plan.between(snapshot, snapshot).impact is Impact.IN_PLACE


def test_endpoint_is_told_once_for_all_who_call() -> None:
    text = service("users", endpoints="127.0.0.1:9002")
    assert planned("a/users.yaml", text) == [
        ("~", Ref(ENDPOINTS, "users/v1"), Impact.IN_PLACE, (CHAT, WEB)),
    ]


def test_key_of_the_connection_rebuilds_the_pools_of_those_who_call() -> None:
    text = service("users") + b"timeouts: {connect: 7s}\n"
    assert planned("a/users.yaml", text) == [
        ("~", Ref(CLUSTER, "users/v1"), Impact.POOL_REBUILD, (CHAT, WEB)),
    ]


def test_what_is_used_no_more_goes_from_one_view_alone() -> None:
    assert planned("a/web.yaml", service("web")) == [
        ("-", Ref(CLUSTER, "users/v1"), Impact.POOL_REBUILD, (WEB,)),
        ("-", Ref(ENDPOINTS, "users/v1"), Impact.IN_PLACE, (WEB,)),
        ("~", Ref(ROUTES, "egress/web"), Impact.IN_PLACE, (WEB,)),
    ]


def test_a_view_that_comes_is_all_new() -> None:
    plan = Plan.between(Snapshot(), compiler().snapshot)
    assert {one.sign for one in plan.resources} == {Sign.ADDED}
    assert {one.ref.type for one in plan.resources} == {CLUSTER, ENDPOINTS, LISTENER, ROUTES}


def test_the_same_release_would_serve_the_same() -> None:
    assert upgrade(State(TEXTS, compiler().snapshot, 0.0)).plan.resources == ()


def test_release_with_another_default_shows_exactly_what_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(TEXTS, compiler().snapshot, 0.0)
    http = edition.EDITIONS["2026.11"][Protocol.HTTP]
    slower = replace(http, timeouts=replace(http.timeouts, connect=Duration.parse("3s")))
    monkeypatch.setattr(edition, "EDITIONS", {"2026.11": {Protocol.HTTP: slower}})
    monkeypatch.setattr("meshctl.mesh.own.EDITIONS", edition.EDITIONS)
    changes = upgrade(state).plan.resources
    assert [(one.sign.value, one.ref.name, one.impact) for one in changes] == [
        ("~", "users/v1", Impact.POOL_REBUILD),
    ]
    assert changes[0].fields == ("connect_timeout.seconds",)


def test_what_is_held_back_of_a_view_is_no_change_there_when_it_goes() -> None:
    made, ref = compiler(), Ref(CLUSTER, "users/v1")
    good = made.snapshot.view(WEB)
    longer = service("users") + b"timeouts: {connect: 7s}\n"
    made.resolver.change({"a/users.yaml": read_source("a/users.yaml", longer)})
    refused = made.publish().view(WEB)
    assert good is not None
    assert refused is not None
    newest = refused.get(ref)
    assert newest is not None
    held = Held(newest.version, good.get(ref), "no", 0.0, frozenset({"web@1"}))
    contents = hold(refused.view.contents, refused.get, {ref: held})
    made.revise({WEB: replace(refused.view, contents=contents)})
    live = made.snapshot
    made.resolver.change({"a/users.yaml": read_source("a/users.yaml", service("users"))})
    assert [(one.ref, one.views) for one in Plan.between(live, made.publish()).resources] == [(ref, (CHAT,))]

"""What would come of a folder, asked of a publisher that serves another one."""

import gc
from collections.abc import Mapping

import pytest

from meshctl.envoy.impact import Impact
from meshctl.fleet.fleet import Fleet
from meshctl.fleet.node import Node
from meshctl.names import CLUSTER, ENDPOINTS, ROUTES, Ref, Role
from meshctl.operations.plan import Way
from meshctl.operations.proposal import Fate, Proposal, catalog_hash, propose
from meshctl.serve.publish import Publisher
from meshctl.units import Duration
from tests.support.catalogs import MESH, service
from tests.support.publishing import change

TEXTS = {
    "mesh.yaml": MESH,
    "a/web.yaml": service("web", "users"),
    "a/users.yaml": service("users"),
    "a/chat.yaml": service("chat", "users"),
}
WEB, CHAT = ("sidecar/web@1.40", "sidecar/chat@1.40")
LONGER = service("users") + b"timeouts: {connect: 7s}\n"


@pytest.fixture
def publisher() -> Publisher:
    """Serves the texts to a node of `web`, and one of `chat`."""
    made = Publisher(Fleet(), None, stale_limit=Duration.parse("1h"))
    made.begin(made.catalog.read(TEXTS))
    for name in ("web", "chat"):
        made.open(Node(f"{name}@1", Role.SIDECAR, (name,), client="1.40"), lambda: None)
    return made


def proposed(publisher: Publisher, **texts: bytes | None) -> Proposal:
    """With these files of team `a` in place of those that are served; None: without them."""
    files = {f"a/{name}.yaml": text for name, text in texts.items()}
    wanted: Mapping[str, bytes | None] = {**TEXTS, **files}
    return propose(
        publisher.catalog.basis(), {file: text for file, text in wanted.items() if text is not None}
    )


def entries(proposal: Proposal) -> list[tuple[str, str, str, str, Fate]]:
    return [(one.sign.value, one.file, one.kind, one.name, one.fate) for one in proposal.entries]


def changes(proposal: Proposal) -> list[tuple[str, Ref, Impact, Way, tuple[str, ...]]]:
    return [(one.sign.value, one.ref, one.impact, one.way, one.views) for one in proposal.plan.resources]


def test_what_is_served_changes_nothing(publisher: Publisher) -> None:
    proposal = proposed(publisher)
    assert (proposal.entries, proposal.plan.resources, proposal.held) == ((), (), {})
    assert proposal.live == proposal.wanted == catalog_hash(TEXTS)
    assert proposal.plan.revision == publisher.standing.revision


def test_each_entry_has_its_sign(publisher: Publisher) -> None:
    proposal = proposed(publisher, users=LONGER, new=service("new"), chat=None)
    assert entries(proposal) == [
        ("-", "a/chat.yaml", "service", "chat", Fate.TAKEN),
        ("+", "a/new.yaml", "service", "new", Fate.TAKEN),
        ("~", "a/users.yaml", "service", "users", Fate.TAKEN),
    ]
    assert proposal.wanted != proposal.live == catalog_hash(TEXTS)


def test_cluster_goes_in_waves_and_endpoints_at_once(publisher: Publisher) -> None:
    moved = service("users", endpoints="127.0.0.1:9002")
    assert changes(proposed(publisher, users=LONGER)) == [
        ("~", Ref(CLUSTER, "users/v1"), Impact.POOL_REBUILD, Way.IN_WAVES, (CHAT, WEB)),
    ]
    assert changes(proposed(publisher, users=moved)) == [
        ("~", Ref(ENDPOINTS, "users/v1"), Impact.IN_PLACE, Way.AT_ONCE, (CHAT, WEB)),
    ]


def test_way_back_from_what_runs_goes_at_once(publisher: Publisher) -> None:
    change(publisher, {"a/users.yaml": LONGER})
    assert changes(proposed(publisher)) == [
        ("~", Ref(CLUSTER, "users/v1"), Impact.POOL_REBUILD, Way.AT_ONCE, (CHAT, WEB)),
    ]


def test_comment_changes_an_entry_and_no_resource(publisher: Publisher) -> None:
    proposal = proposed(publisher, users=b"# ours\n" + service("users"))
    assert entries(proposal) == [("~", "a/users.yaml", "service", "users", Fate.TAKEN)]
    assert proposal.plan.resources == ()


def test_entry_with_a_problem_is_held_and_the_others_are_planned(publisher: Publisher) -> None:
    proposal = proposed(publisher, web=service("web", "usres"), users=LONGER, new=b"service: new\nprot: 1\n")
    assert [(one.file, one.fate) for one in proposal.entries] == [
        ("a/new.yaml", Fate.HELD),
        ("a/users.yaml", Fate.TAKEN),
        ("a/web.yaml", Fate.HELD),
    ]
    assert [change[1].name for change in changes(proposal)] == ["users/v1"]
    assert proposal.unserved == {"a/new.yaml"}
    (finding,) = proposal.held["a/web.yaml"]
    assert (str(finding.span), finding.fix) == ("a/web.yaml:4:8", "write 'users'")


def test_what_would_vanish_is_guarded_by_what_the_server_remembers(publisher: Publisher) -> None:
    both = proposed(publisher, web=None, chat=None)
    assert both.guarded.names == ("service chat", "service web")
    assert {one.fate for one in both.entries} == {Fate.GUARDED}
    assert both.plan.resources == ()
    change(publisher, {"a/web.yaml": None})
    assert proposed(publisher, web=None, chat=None).guarded.names == ("service chat",)
    change(publisher, {"a/chat.yaml": None})
    assert publisher.standing.guarded.hash == proposed(publisher, web=None, chat=None).guarded.hash


def test_folder_without_its_mesh_is_told_as_the_server_would(publisher: Publisher) -> None:
    proposal = propose(
        publisher.catalog.basis(), {file: text for file, text in TEXTS.items() if file != "mesh.yaml"}
    )
    assert entries(proposal) == [("-", "mesh.yaml", "mesh", "mesh", Fate.HELD)]
    assert [*proposal.held] == ["mesh.yaml"]


def test_planning_leaves_the_server_as_it_is(publisher: Publisher) -> None:
    before, entries = publisher.standing, publisher.catalog.entries()
    proposed(publisher, web=None, chat=None, users=LONGER)
    assert (publisher.standing, publisher.catalog.entries()) == (before, entries)
    change(publisher, {"a/users.yaml": LONGER})
    assert publisher.standing.revision == before.revision + 1


def test_plan_leaves_nothing_for_the_garbage_collector(publisher: Publisher) -> None:
    proposed(publisher, users=LONGER)
    gc.collect()
    gc.disable()
    try:
        proposed(publisher, users=LONGER, chat=service("chat"))
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_plan_says_what_then_happens(publisher: Publisher) -> None:
    old = publisher.catalog.basis().snapshot
    plan = proposed(publisher, users=LONGER + b"aliases: [people]\n", chat=service("chat")).plan
    change(publisher, {"a/users.yaml": LONGER + b"aliases: [people]\n", "a/chat.yaml": service("chat")})
    new = publisher.catalog.basis().snapshot
    told = {(view, one.ref) for one in plan.resources for view in one.views}
    found = set()
    for name in (WEB, CHAT):
        before, after = old.view(name), new.view(name)
        assert before is not None
        assert after is not None
        found |= {(name, ref) for ref in after.changed_since(before)}
        waits = after.view.contents.settled.keys()
        late = {one.ref for one in plan.resources if one.way is Way.IN_WAVES and name in one.views}
        assert late == waits
    assert told == found
    assert {ref.type for _, ref in told} == {CLUSTER, ENDPOINTS, ROUTES}

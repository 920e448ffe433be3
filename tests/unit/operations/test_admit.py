from collections.abc import Mapping, Sequence

import pytest

from meshctl.catalog.folder import Unreadable
from meshctl.operations import admit
from meshctl.operations.admit import Admission, Outcome, read_sources
from meshctl.operations.forms import NAME_ONLY
from meshctl.operations.resolve import Resolver
from tests.support.texts import BROKEN, DEFAULTS, MESH, OTHER_DOMAIN, gateway, service


def start(texts: Mapping[str, bytes]) -> Admission:
    """An admission that serves these texts."""
    admission = Admission(Resolver())
    outcome = admission.change({"mesh.yaml": MESH, **texts})
    assert outcome.published
    assert outcome.held == {}
    return admission


def words(outcome: Outcome) -> dict[str, list[str]]:
    """Place and code of what holds each file back."""
    return {file: [f"{f.span} {f.code}" for f in found] for file, found in outcome.held.items()}


def test_texts_without_problems_are_served() -> None:
    admission = Admission(Resolver())
    texts = {"mesh.yaml": MESH, "a/web.yaml": service("web", "users"), "a/users.yaml": service("users")}
    outcome = admission.change(texts)
    assert outcome.published
    assert dict(outcome.changes) == texts == admission.good


def test_file_that_does_not_parse_stays_at_its_last_good_text_and_others_go_on() -> None:
    admission = start({"a/web.yaml": service("web"), "a/users.yaml": service("users")})
    new = service("users", port=8081)
    outcome = admission.change({"a/web.yaml": BROKEN, "a/users.yaml": new})
    assert outcome.published
    assert outcome.changes == {"a/users.yaml": new}
    assert list(outcome.held) == ["a/web.yaml"]
    assert admission.good["a/web.yaml"] == service("web")


def test_unreadable_file_is_broken_and_not_deleted() -> None:
    admission = start({"a/web.yaml": service("web")})
    outcome = admission.change({"a/web.yaml": Unreadable("cannot be read: Permission denied")})
    assert words(outcome) == {"a/web.yaml": ["a/web.yaml:1:1 MSH0101"]}
    assert admission.good["a/web.yaml"] == service("web")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a/users.yml", service("users")),
        ("users.yaml", service("users")),
        ("a/b/users.yaml", service("users")),
        ("b/users.yaml", service("users").replace(b"port", b"prot")),
        ("b/users.yaml", service("users", "nobody")),
    ],
)
def test_entry_that_is_moved_and_refused_at_its_new_place_stays_served(file: str, text: bytes) -> None:
    admission = start({"a/web.yaml": service("web", "users"), "a/users.yaml": service("users")})
    outcome = admission.change({"a/users.yaml": None, file: text})
    assert outcome.published
    assert outcome.changes == {}
    assert set(outcome.held) == {"a/users.yaml", file}
    assert admission.resolver.problems() == []
    assert admission.good["a/users.yaml"] == service("users")
    outcome = admission.change({file: None, "b/users.yaml": service("users", port=9)})
    assert outcome.held == {}
    assert set(outcome.changes) == {"a/users.yaml", "b/users.yaml"}
    assert "a/users.yaml" not in admission.good


def test_held_file_is_served_once_it_is_mended() -> None:
    admission = start({"a/web.yaml": service("web")})
    admission.change({"a/web.yaml": BROKEN})
    mended = service("web", port=9)
    outcome = admission.change({"a/web.yaml": mended})
    assert outcome.held == {}
    assert outcome.changes == {"a/web.yaml": mended}


def test_held_file_is_tried_again_with_the_next_change_of_another() -> None:
    admission = start({"a/web.yaml": service("web")})
    calls = service("web", "users")
    held = admission.change({"a/web.yaml": calls})
    assert words(held) == {"a/web.yaml": ["a/web.yaml:6:8 MSH0301"]}
    outcome = admission.change({"a/users.yaml": service("users")})
    assert outcome.held == {}
    assert outcome.changes == {"a/web.yaml": calls, "a/users.yaml": service("users")}


def test_deleted_service_stays_served_while_another_uses_it() -> None:
    admission = start({"a/web.yaml": service("web", "users"), "a/users.yaml": service("users")})
    outcome = admission.change({"a/users.yaml": None})
    assert words(outcome) == {"a/users.yaml": ["a/web.yaml:6:8 MSH0301"]}
    assert outcome.changes == {}
    outcome = admission.change({"a/web.yaml": service("web")})
    assert outcome.held == {}
    assert outcome.changes == {"a/web.yaml": service("web"), "a/users.yaml": None}


def test_files_that_are_read_already_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    admission = start({"a/web.yaml": service("web"), "a/users.yaml": service("users")})
    texts = {"a/web.yaml": service("web", port=9), "a/users.yaml": None, "a/new.yaml": BROKEN}
    sources = read_sources(texts)
    assert set(sources) == {"a/web.yaml", "a/new.yaml"}
    monkeypatch.setattr(admit, "read_source", None)
    outcome = admission.change(texts, sources=sources)
    assert set(outcome.held) == {"a/new.yaml"}
    assert outcome.changes == {**texts, "a/new.yaml": NAME_ONLY}


def test_deleted_service_in_use_says_what_to_change_and_not_to_add_it_again() -> None:
    admission = start({"a/web.yaml": service("web", "users"), "a/users.yaml": service("users")})
    outcome = admission.change({"a/users.yaml": None, "a/user.yaml": service("user")})
    (found,) = outcome.held["a/users.yaml"]
    assert found.message == "no service is named 'users'"
    assert found.fix == "change that, or restore a/users.yaml"


def test_held_file_is_told_the_name_that_was_meant_as_soon_as_there_is_one() -> None:
    admission = start({"a/web.yaml": service("web")})
    (found,) = admission.change({"a/web.yaml": service("web", "usres")}).held["a/web.yaml"]
    assert found.fix.startswith("add it: meshctl catalog add usres ")
    (found,) = admission.change({"a/users.yaml": service("users")}).held["a/web.yaml"]
    assert found.fix == "write 'users'"
    (found,) = admission.change({"a/users.yaml": None}).held["a/web.yaml"]
    assert found.fix.startswith("add it: ")


def test_in_a_conflict_the_entry_changed_last_loses() -> None:
    admission = start({"a/web.yaml": service("web"), "a/users.yaml": service("users")})
    first = service("users", alias="x.example.com")
    assert admission.change({"a/users.yaml": first}).changes == {"a/users.yaml": first}
    outcome = admission.change({"a/web.yaml": service("web", alias="x.example.com")})
    assert list(outcome.held) == ["a/web.yaml"]
    assert outcome.changes == {}


def test_held_entry_is_served_as_soon_as_one_that_comes_back_ends_its_conflict() -> None:
    admission = start({"b/pay.yaml": service("pay", alias="y.example.com")})
    wanted = service("web", alias="x.example.com")
    admission.change({"a/users.yaml": service("users", alias="x.example.com"), "a/web.yaml": wanted})
    admission.change({"a/users.yaml": service("users", alias="y.example.com")})
    outcome = admission.change({"a/pay.yaml": service("pay"), "b/pay.yaml": service("pay")})
    assert list(outcome.held) == ["a/pay.yaml"]
    assert admission.good["a/web.yaml"] == wanted


def test_second_file_of_a_name_is_not_served_even_by_its_name() -> None:
    admission = start({"b/web.yaml": service("web")})
    outcome = admission.change({"a/web.yaml": service("web", port=1)})
    assert list(outcome.held) == ["a/web.yaml"]
    assert admission.good == {"mesh.yaml": MESH, "b/web.yaml": service("web")}


def test_moved_file_is_served_from_its_new_place() -> None:
    admission = start({"a/web.yaml": service("web")})
    outcome = admission.change({"a/web.yaml": None, "b/web.yaml": service("web")})
    assert outcome.held == {}
    assert admission.good == {"mesh.yaml": MESH, "b/web.yaml": service("web")}


def test_version_taken_away_while_a_gateway_leads_to_it_stays() -> None:
    both = service("web", versions="v1 v2")
    admission = start({"a/web.yaml": both, "e/edge.yaml": gateway("edge", "web/v2")})
    outcome = admission.change({"a/web.yaml": service("web")})
    assert list(outcome.held) == ["a/web.yaml"]
    assert admission.good["a/web.yaml"] == both


def test_innocent_later_change_is_served_though_a_held_one_names_it() -> None:
    texts = {"a/web.yaml": service("web"), "e/edge.yaml": gateway("edge", "web/v1")}
    admission = start(texts)
    admission.change({"e/edge.yaml": gateway("edge", "web/v9")})
    moved = service("web", port=9)
    outcome = admission.change({"a/web.yaml": moved})
    assert list(outcome.held) == ["e/edge.yaml"]
    assert outcome.changes == {"a/web.yaml": moved}


def test_new_broken_file_binds_its_name_so_that_one_mistake_gives_one_message() -> None:
    admission = start({"a/web.yaml": service("web")})
    texts = {"a/users.yaml": b"service: users\nport: many\n", "a/web.yaml": service("web", "users")}
    outcome = admission.change(texts)
    assert list(outcome.held) == ["a/users.yaml"]
    assert outcome.changes == {"a/users.yaml": NAME_ONLY, "a/web.yaml": service("web", "users")}


def test_file_known_by_its_name_stays_so_when_it_is_deleted_while_it_is_used() -> None:
    admission = start({})
    admission.change({"a/users.yaml": BROKEN, "a/web.yaml": service("web", "users")})
    outcome = admission.change({"a/users.yaml": None})
    assert list(outcome.held) == ["a/users.yaml"]
    assert admission.good["a/users.yaml"] == NAME_ONLY


def test_missing_mesh_file_is_broken_and_nothing_counts_as_deleted() -> None:
    texts = {"a/web.yaml": service("web"), "a/users.yaml": service("users")}
    admission = start(texts)
    new = service("users", port=9)
    outcome = admission.change({"mesh.yaml": None, "a/web.yaml": None, "a/users.yaml": new})
    assert outcome.published
    assert outcome.changes == {"a/users.yaml": new}
    assert words(outcome) == {"mesh.yaml": ["mesh.yaml:1:1 MSH0331"]}
    outcome = admission.change({"mesh.yaml": MESH})
    assert outcome.changes == {"a/web.yaml": None}
    assert outcome.held == {}


def test_mesh_file_that_brings_others_into_conflict_goes_back() -> None:
    admission = start({"a/web.yaml": service("web"), "a/users.yaml": service("users", alias="web.other")})
    edited = service("web", port=9)
    outcome = admission.change({"mesh.yaml": OTHER_DOMAIN, "a/web.yaml": edited})
    assert words(outcome) == {"mesh.yaml": ["a/web.yaml:1:10 MSH0312"]}
    assert outcome.changes == {"a/web.yaml": edited}
    outcome = admission.change({"a/users.yaml": service("users")})
    assert outcome.held == {}
    assert outcome.changes == {"mesh.yaml": OTHER_DOMAIN, "a/users.yaml": service("users")}


def test_entry_in_a_conflict_that_only_the_mesh_file_brings_is_served_as_edited() -> None:
    both = {"a/pay.yaml": service("pay", "web", alias="web.other"), "a/web.yaml": service("web")}
    admission = start(both)
    edited = service("pay", alias="web.other")
    outcome = admission.change({"a/pay.yaml": edited, "mesh.yaml": OTHER_DOMAIN})
    assert list(outcome.held) == ["mesh.yaml"]
    assert outcome.changes == {"a/pay.yaml": edited}


def test_entry_that_is_moved_while_the_mesh_file_goes_back_is_served_from_its_new_place() -> None:
    web = service("web", alias="web.other")
    admission = start({"b/web.yaml": web})
    outcome = admission.change({"b/web.yaml": None, "a/web.yaml": web, "mesh.yaml": OTHER_DOMAIN})
    assert list(outcome.held) == ["mesh.yaml"]
    assert outcome.changes == {"b/web.yaml": None, "a/web.yaml": web}


def test_mesh_file_goes_on_where_the_alias_against_it_is_new_too() -> None:
    admission = start({"a/web.yaml": service("web"), "a/users.yaml": service("users")})
    outcome = admission.change(
        {"mesh.yaml": OTHER_DOMAIN, "a/users.yaml": service("users", alias="web.other")}
    )
    assert list(outcome.held) == ["a/users.yaml"]
    assert outcome.changes == {"mesh.yaml": OTHER_DOMAIN}


@pytest.mark.parametrize("steps", [("mesh.yaml", "defaults.yaml"), ("defaults.yaml", "mesh.yaml"), ()])
def test_defaults_are_served_beside_a_mesh_file_that_waits(steps: Sequence[str]) -> None:
    admission = start({"a/web.yaml": service("web"), "a/users.yaml": service("users", alias="web.other")})
    both = {"mesh.yaml": OTHER_DOMAIN, "defaults.yaml": DEFAULTS}
    for file in steps:
        admission.change({file: both[file]})
    outcome = admission.change(both)
    assert list(outcome.held) == ["mesh.yaml"]
    assert admission.good["defaults.yaml"] == DEFAULTS


def test_nothing_is_served_at_first_without_a_mesh_file() -> None:
    admission = Admission(Resolver(), {"mesh.yaml": MESH, "a/web.yaml": service("web")})
    assert not admission.change({"mesh.yaml": None, "a/web.yaml": None}).published
    assert not admission.change({"a/web.yaml": service("web", port=9)}).published
    outcome = admission.change({"mesh.yaml": MESH})
    assert outcome.published
    assert admission.good == {"mesh.yaml": MESH, "a/web.yaml": service("web", port=9)}


@pytest.mark.parametrize("file", ["mesh.yaml", "defaults.yaml"])
def test_nothing_is_served_at_first_with_a_broken_foundation(file: str) -> None:
    admission = Admission(Resolver())
    outcome = admission.change({"mesh.yaml": MESH, "a/web.yaml": service("web"), file: b"no: such\n"})
    assert not outcome.published
    assert list(outcome.held) == [file]
    assert admission.good == {}


def test_restart_with_a_broken_file_serves_its_last_good_text() -> None:
    good = {"mesh.yaml": MESH, "a/web.yaml": service("web")}
    admission = Admission(Resolver(), good)
    outcome = admission.change({"mesh.yaml": BROKEN, "a/web.yaml": BROKEN})
    assert outcome.published
    assert list(outcome.held) == ["a/web.yaml", "mesh.yaml"]
    assert admission.good == good


def test_unchanged_texts_change_nothing_after_a_restart() -> None:
    good = {"mesh.yaml": MESH, "a/web.yaml": service("web"), "a/users.yaml": NAME_ONLY}
    admission = Admission(Resolver(), good)
    outcome = admission.change({"mesh.yaml": MESH, "a/web.yaml": service("web"), "a/users.yaml": BROKEN})
    assert outcome.published
    assert outcome.changes == {}


def test_last_good_texts_that_do_not_resolve_are_not_published() -> None:
    admission = Admission(Resolver(), {"mesh.yaml": MESH, "a/web.yaml": service("web", "users")})
    outcome = admission.change({})
    assert not outcome.published
    assert list(outcome.held) == ["a/web.yaml"]


THREE = {f"a/{name}.yaml": service(name) for name in ("web", "users", "pay")}
EDGE = {"e/edge.yaml": gateway("edge", "web/v1")}


def test_losses_alone_wait_and_all_else_goes_on() -> None:
    admission = start({**THREE, **EDGE})
    new, changed = service("new"), service("web", port=9)
    outcome = admission.change(
        {"a/users.yaml": None, "a/pay.yaml": None, "a/new.yaml": new, "a/web.yaml": changed}
    )
    assert outcome.published
    assert outcome.guarded.names == ("service pay", "service users")
    assert outcome.changes == {"a/new.yaml": new, "a/web.yaml": changed}
    assert outcome.held == {}
    assert admission.good["a/users.yaml"] == THREE["a/users.yaml"]
    assert admission.resolver.problems() == []
    again = admission.change({"a/new.yaml": None})
    assert again.guarded.names == ("service new", "service pay", "service users")


def test_confirmed_losses_go_and_the_next_ones_wait_again() -> None:
    admission = start({**THREE, **EDGE})
    gone: dict[str, bytes | None] = {"a/users.yaml": None, "a/pay.yaml": None}
    guarded = admission.change(gone).guarded
    taken, outcome = admission.confirm(guarded.hash)
    assert taken == guarded
    assert outcome.changes == gone
    assert outcome.guarded.names == ()
    assert admission.change({"a/users.yaml": THREE["a/users.yaml"]}).guarded.names == ()
    assert admission.change({"e/edge.yaml": None}).guarded.names == ("gateway edge",)


def test_confirmed_loss_that_somebody_still_uses_is_held_until_nobody_does() -> None:
    admission = start({**THREE, "a/web.yaml": service("web", "users")})
    gone: dict[str, bytes | None] = {"a/users.yaml": None, "a/pay.yaml": None}
    _, outcome = admission.confirm(admission.change(gone).guarded.hash)
    assert outcome.changes == {"a/pay.yaml": None}
    assert words(outcome) == {"a/users.yaml": ["a/web.yaml:6:8 MSH0301"]}
    outcome = admission.change({"a/web.yaml": service("web")})
    assert outcome.changes == {"a/users.yaml": None, "a/web.yaml": service("web")}
    assert outcome.guarded.names == ()


def test_guard_ends_when_the_files_come_back() -> None:
    admission = start({**THREE, **EDGE})
    assert admission.change(dict.fromkeys({**THREE, **EDGE})).guarded.names == (
        *("gateway edge", "service pay", "service users", "service web"),
    )
    outcome = admission.change({**THREE, **EDGE})
    assert outcome.guarded.names == ()
    assert outcome.changes == {}


def test_new_entry_that_conflicts_with_a_guarded_one_is_held() -> None:
    texts = {**THREE, "a/users.yaml": service("users", alias="x.example.com")}
    admission = start(texts)
    people = service("people", alias="x.example.com")
    outcome = admission.change({"a/users.yaml": None, "a/pay.yaml": None, "a/people.yaml": people})
    assert outcome.guarded.names == ("service pay", "service users")
    assert list(outcome.held) == ["a/people.yaml"]
    _, outcome = admission.confirm(outcome.guarded.hash)
    assert outcome.held == {}
    assert admission.good["a/people.yaml"] == people


def test_last_endpoints_of_what_a_node_uses_wait() -> None:
    empty = service("users").replace(b"[127.0.0.1]", b"[]")
    admission = Admission(Resolver(), used=lambda: {"users"})
    admission.change({"mesh.yaml": MESH, **THREE})
    outcome = admission.change({"a/users.yaml": empty, "a/pay.yaml": service("pay", port=9)})
    assert outcome.guarded.names == ("endpoints of users",)
    assert list(outcome.changes) == ["a/pay.yaml"]
    _, outcome = admission.confirm(outcome.guarded.hash)
    assert outcome.changes == {"a/users.yaml": empty}


def test_restart_on_half_of_the_files_serves_the_last_good_texts() -> None:
    good = {"mesh.yaml": MESH, **THREE, **EDGE}
    admission = Admission(Resolver(), good)
    outcome = admission.change({**dict.fromkeys(good), "mesh.yaml": MESH, "a/web.yaml": THREE["a/web.yaml"]})
    assert outcome.published
    assert outcome.guarded.names == ("gateway edge", "service pay", "service users")
    assert admission.good == good


def test_first_start_has_nothing_to_guard() -> None:
    assert start({"a/web.yaml": service("web")}).change({"a/web.yaml": None}).guarded.names == ()

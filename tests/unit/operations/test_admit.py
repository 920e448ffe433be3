from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshctl.catalog.folder import Unreadable
from meshctl.operations import admit
from meshctl.operations.admit import Admission, Outcome, read_sources
from meshctl.operations.resolve import Resolver
from meshctl.operations.trial import NAME_ONLY, served_source
from meshctl.problems import Problem

MESH = b"format: 1\nedition: 2026.11\nname: test\n"
BROKEN = b"service: [\n"


def service(name: str, *uses: str, versions: str = "v1", alias: str = "", port: int = 8080) -> bytes:
    lines = [f"service: {name}", f"port: {port}", "versions:"]
    lines += [f"  {version}: {{endpoints: [127.0.0.1]}}" for version in versions.split()]
    lines.append(f"serving: {versions.split()[0]}")
    lines.append(f"uses: [{', '.join(uses)}]")
    if alias:
        lines.append(f"aliases: [{alias}]")
    return "\n".join(lines).encode() + b"\n"


def gateway(name: str, to: str) -> bytes:
    routes = f"sites:\n  - hosts: [www.example.com]\n    routes: [{{to: {to}}}]\n"
    return f'gateway: {name}\nlisteners:\n  - {{bind: "0.0.0.0:80"}}\n{routes}'.encode()


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
    outcome = admission.change({"mesh.yaml": MESH + b"domain: other\n", "a/web.yaml": service("web", port=9)})
    assert "mesh.yaml" in outcome.held or "a/web.yaml" in outcome.held
    outcome = admission.change({"mesh.yaml": MESH + b"domain: other\n"})
    assert outcome.published
    assert admission.good["mesh.yaml"] == MESH
    assert "mesh.yaml" in outcome.held


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


NAMES = ("web", "users", "pay")
FILES = ("mesh.yaml", *(f"{team}/{name}.yaml" for team in ("a", "b") for name in NAMES), "a/edge.yaml")


@st.composite
def edits(draw: st.DrawFn) -> dict[str, bytes | None]:
    return {file: draw(_text(file)) for file in draw(st.sets(st.sampled_from(FILES), min_size=1, max_size=4))}


def _text(file: str) -> st.SearchStrategy[bytes | None]:
    name = file.removesuffix(".yaml").rpartition("/")[2]
    if name == "mesh":
        return st.sampled_from([MESH, MESH + b"domain: other\n", BROKEN, None])
    if name == "edge":
        targets = [f"{to}{version}" for to in NAMES for version in ("", "/v1", "/v2")]
        return st.sampled_from([*(gateway("edge", to) for to in targets), BROKEN, None])
    uses = st.sets(st.sampled_from([other for other in NAMES if other != name]), max_size=2)
    alias = st.sampled_from(["", "", "x.example.com", "web.other"])
    versions = st.sampled_from(["v1", "v2", "v1 v2"])
    good = st.builds(lambda u, a, v: service(name, *sorted(u), alias=a, versions=v), uses, alias, versions)
    return st.one_of(good, st.sampled_from([BROKEN, None]))


@settings(max_examples=150, deadline=None)
@given(st.lists(edits(), min_size=1, max_size=8))
def test_what_is_served_always_resolves_and_what_troubles_nobody_is_always_served(
    history: list[dict[str, bytes | None]],
) -> None:
    admission = Admission(Resolver())
    admission.change({"mesh.yaml": MESH})
    for step in history:
        outcome = admission.change(step)
        assert outcome.published
        assert admission.resolver.problems() == []
        kept = {file: admission.good.get(file) for file in outcome.guarded.kept}
        assert all(kept.values()), "what is guarded stays served"
        if outcome.guarded.files:
            _, outcome = admission.confirm(outcome.guarded.hash)
            assert not outcome.guarded.files
        assert outcome.published
        assert admission.resolver.problems() == []
        assert _problems(admission.good) == []
        if "mesh.yaml" in admission.wanted:  # without it no deletion counts
            for file in _innocent(admission):
                assert admission.good.get(file) == admission.wanted.get(file), file
        if not _problems(admission.wanted):
            assert admission.good == admission.wanted
            assert outcome.held == {}


def _problems(texts: Mapping[str, bytes]) -> list[Problem]:
    """What is wrong with these texts, read anew."""
    resolver = Resolver()
    resolver.change({file: served_source(file, text) for file, text in texts.items()})
    return resolver.problems()


def _innocent(admission: Admission) -> set[str]:
    """The files that share no name, over however many others, with one that takes part in a problem."""
    named = {file: _names(file, admission) for file in {*admission.wanted, *admission.good} - {"mesh.yaml"}}
    found = _problems({**admission.wanted, "mesh.yaml": admission.good["mesh.yaml"]})
    guilty = {problem.file for problem in found} | {place.file for p in found for place in p.also}
    names = set().union(*(named[file] for file in guilty & named.keys()), *(known(p.missing) for p in found))
    while related := {file for file in named if named[file] & names}:
        names = names.union(*(named.pop(file) for file in related))
    return named.keys() - guilty


def _names(file: str, admission: Admission) -> set[str]:
    texts = (admission.wanted.get(file, b""), admission.good.get(file, b""), file.encode())
    return known(b" ".join(texts).decode())


def known(text: str) -> set[str]:
    return {name for name in (*NAMES, "edge", "x.example.com") if name in text}

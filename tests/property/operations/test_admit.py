"""Which texts are served, over any history of good, broken and conflicting edits."""

from collections.abc import Mapping

from hypothesis import example, given, settings
from hypothesis import strategies as st

from meshctl.operations.admit import Admission
from meshctl.operations.forms import served_source
from meshctl.operations.resolve import Resolver
from meshctl.problems import Problem
from tests.support.texts import BROKEN, DEFAULTS, MESH, OTHER_DOMAIN, gateway, service

NAMES = ("web", "users", "pay")
FILES = (
    "mesh.yaml",
    "defaults.yaml",
    *(f"{team}/{name}.yaml" for team in ("a", "b") for name in NAMES),
    "a/edge.yaml",
)


@st.composite
def edits(draw: st.DrawFn) -> dict[str, bytes | None]:
    return {file: draw(_text(file)) for file in draw(st.sets(st.sampled_from(FILES), min_size=1, max_size=4))}


def _text(file: str) -> st.SearchStrategy[bytes | None]:
    name = file.removesuffix(".yaml").rpartition("/")[2]
    if name == "mesh":
        return st.sampled_from([MESH, OTHER_DOMAIN, BROKEN, None])
    if name == "defaults":
        return st.sampled_from([DEFAULTS, DEFAULTS.replace(b"2s", b"3s"), BROKEN, None])
    if name == "edge":
        targets = [f"{to}{version}" for to in NAMES for version in ("", "/v1", "/v2")]
        return st.sampled_from([*(gateway("edge", to) for to in targets), BROKEN, None])
    uses = st.sets(st.sampled_from([other for other in NAMES if other != name]), max_size=2)
    alias = st.sampled_from(["", "", "x.example.com", "web.other"])
    versions = st.sampled_from(["v1", "v2", "v1 v2"])
    good = st.builds(lambda u, a, v: service(name, *sorted(u), alias=a, versions=v), uses, alias, versions)
    return st.one_of(good, st.sampled_from([BROKEN, None]))


ALIAS = "web.other"
"""What the derived name of web becomes under the other domain."""


@settings(max_examples=3 * settings().max_examples // 2)
@given(st.lists(edits(), min_size=1, max_size=8))
@example(  # an entry that is edited while mesh.yaml alone brings its alias into conflict
    [
        {"a/pay.yaml": service("pay", "web", alias=ALIAS), "a/web.yaml": service("web")},
        {"a/pay.yaml": service("pay", alias=ALIAS), "mesh.yaml": OTHER_DOMAIN},
    ]
)
@example(  # an entry that is moved at that time
    [
        {"b/web.yaml": service("web", alias=ALIAS)},
        {"b/web.yaml": None, "a/web.yaml": service("web", alias=ALIAS), "mesh.yaml": OTHER_DOMAIN},
    ]
)
@example(  # defaults.yaml changes at that time, and after it
    [
        {"a/pay.yaml": service("pay", alias=ALIAS), "a/web.yaml": service("web")},
        {"defaults.yaml": DEFAULTS, "mesh.yaml": OTHER_DOMAIN},
        {"defaults.yaml": None, "a/pay.yaml": service("pay", alias=ALIAS, versions="v2")},
    ]
)
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

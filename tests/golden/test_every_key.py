"""No key is half there: each has words, a schema, a page, a golden case, a real request, and a mistake.

`meshctl.catalog.declared` is walked. What belongs to a key and where is in CONTRIBUTING.md, "A key".
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

import pytest

from meshctl.catalog.declared import Declared, Path, declared, follow, places, written
from meshctl.catalog.schema import schema
from meshctl.catalog.source import MODELS, Kind, Source, read_source
from meshctl.catalog.yaml import MappingNode, Node, SequenceNode, parse
from meshctl.operations.explain import KeyPage, explain
from meshctl.problems import Place, Problem
from tests.golden.case import Case, Section, cases
from tests.golden.test_cases import CATALOG, FOLDER, compiler_of
from tests.support.shows import shown

KEYS = {written(key.path): key for key in declared()}
PLACES = {written(path): path for path in places()}

WITHOUT_BYTES: Mapping[str, str] = {
    "service.description": "is for people; catalog show and plans have it",
    "gateway.description": "is for people; catalog show and plans have it",
    "mesh.waves": "decides when nodes are given what, not what: tests/real/test_waves.py",
    "mesh.waves.shares": "decides when nodes are given what, not what: tests/real/test_waves.py",
    "mesh.waves.hold": "decides when nodes are given what, not what: tests/real/test_waves.py",
}
"""Keys that no resource has, so that no golden case can show them, and why."""

WITHOUT_REQUEST: Mapping[str, str] = {
    "service.description": "is for people",
    "gateway.description": "is for people",
    "mesh.format": "is checked alone: there is one",
    "mesh.name": "is for people",
    "mesh.edition": "there is one; what it means is in every test that says nothing else",
}
"""Keys that no request through Envoy can show, and why."""

EVERYWHERE = frozenset({"MSH0201", "MSH0202", "MSH0203"})
"""What may be wrong at every key: a misspelt one, a missing one, another kind of value."""


@pytest.mark.parametrize("name", KEYS)
def test_key_says_what_it_means_with_an_example(name: str) -> None:
    key = KEYS[name]
    assert key.doc.endswith((".", "…")), "a sentence"
    assert key.example
    assert parse(name, key.example.encode()).problems == ()


@pytest.mark.parametrize("name", KEYS)
def test_key_stands_in_the_schema(name: str) -> None:
    definitions = schema(tuple(Kind))["definitions"]
    assert isinstance(definitions, dict)
    assert KEYS[name].name in definitions[KEYS[name].model.__name__]["properties"]


@pytest.mark.parametrize("name", KEYS)
def test_key_has_a_page_at_each_of_its_places(name: str) -> None:
    for path in KEYS[name].paths:
        page = explain(written(path))
        assert isinstance(page, KeyPage)
        assert page.path == written(path)


@pytest.mark.parametrize("name", KEYS)
def test_key_has_a_golden_case_with_resources(name: str) -> None:
    assert (name in _in_resources()) != (name in WITHOUT_BYTES), "no case of tests/golden/cases uses it"


@pytest.mark.parametrize("name", KEYS)
def test_key_is_shown_by_a_request_through_a_real_envoy(name: str) -> None:
    assert (name in _requested()) != (name in WITHOUT_REQUEST), "no test in tests/real is marked with it"


@pytest.mark.parametrize("name", KEYS)
def test_key_has_a_mistake_in_a_golden_case(name: str) -> None:
    assert _mistaken()[name], "no case of tests/golden/cases has a mistake at it"


@pytest.mark.parametrize("name", KEYS)
def test_mistakes_of_a_key_are_those_that_it_says(name: str) -> None:
    assert _mistaken()[name] <= {*KEYS[name].codes, *EVERYWHERE}


def test_reasons_are_of_keys() -> None:
    assert KEYS.keys() >= {*WITHOUT_BYTES, *WITHOUT_REQUEST}


def test_marks_of_real_tests_are_of_keys() -> None:
    assert [(key, test) for key, test in shown() if key not in PLACES] == []


@cache
def _requested() -> frozenset[str]:
    """The keys that real tests are marked with, and those around them."""
    paths = (PLACES[key] for key, _ in shown() if key in PLACES)
    around = (path[:length] for path in paths for length in range(2, len(path) + 1))
    return frozenset(written(places()[path].path) for path in around)


@cache
def _in_resources() -> frozenset[str]:
    """The keys that cases without problems use which show resources."""
    return frozenset(
        written(key.path)
        for path in cases(FOLDER)
        for case in [Case.read(path)]
        if any(section.words[1] and section.body for section in _expected(case))
        and not any(section.title == "problems" and section.body for section in case.sections)
        for source in _sources(case)
        for key in _used(source)
    )


@cache
def _mistaken() -> Mapping[str, set[str]]:
    """The codes of the mistakes that golden cases have at each key."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in cases(FOLDER):
        resolver = compiler_of(Case.read(path)).resolver
        for problem in resolver.problems():
            if key := _key_of(problem, resolver.sources[problem.file]):
                found[written(key.path)].add(problem.code.code)
    return found


def _expected(case: Case) -> Iterator[Section]:
    return (section for section in case.sections if not section.title.startswith(CATALOG))


def _sources(case: Case) -> Iterator[Source]:
    for section in case.sections:
        if section.title.startswith(CATALOG):
            yield read_source(section.title.removeprefix(CATALOG), section.body.encode())


def _used(source: Source) -> Iterator[Declared]:
    root = parse(source.file, source.text).root
    assert source.kind
    assert root
    return (key for words in _paths(root) if (key := _at(source.kind, words)))


def _paths(node: Node) -> Iterator[Path]:
    """The ways to all parts of a tree, without places in lists."""
    if isinstance(node, MappingNode):
        for key, (_, value) in node.entries.items():
            yield (key,)
            yield from ((key, *rest) for rest in _paths(value))
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _paths(item)


def _key_of(problem: Problem, source: Source) -> Declared | None:
    """The key that a problem is at; where it is within a value, the key of that value."""
    if source.kind is None or not isinstance(problem.at, Place):
        return None
    words = tuple(step for step in problem.at.path if isinstance(step, str))
    for length in range(len(words), 0, -1):
        if key := _at(source.kind, words[:length]):
            return key
    return None


def _at(kind: Kind, words: Path) -> Declared | None:
    found = follow(MODELS[kind], words)
    return _BY_MODEL[found] if found else None


_BY_MODEL = {(key.model, key.name): key for key in KEYS.values()}

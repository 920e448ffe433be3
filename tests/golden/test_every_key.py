"""No key is half there: each has words, a schema, a page, a golden case, a real request, and a mistake.

`meshctl.catalog.declared` is walked. What belongs to a key and where is in CONTRIBUTING.md, "A key".
"""

from collections.abc import Mapping
from functools import cache

import pytest

from meshctl.catalog.declared import places, written
from meshctl.catalog.schema import schema
from meshctl.catalog.source import Kind
from meshctl.catalog.yaml import parse
from meshctl.operations.explain import KeyPage, explain
from tests.golden.keys import KEYS, in_resources, mistaken, outcome, using, whole_cases, without
from tests.support.shows import shown

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
    assert (name in in_resources()) != (name in WITHOUT_BYTES), "no case of tests/golden/cases uses it"


@pytest.mark.parametrize("name", [name for name, key in KEYS.items() if not key.required])
def test_without_the_key_its_golden_case_has_other_resources(name: str) -> None:
    if name not in WITHOUT_BYTES:
        assert any(outcome(case) != outcome(without(case, KEYS[name])) for case in using(name))


def test_control_what_is_written_anew_has_the_same_resources() -> None:
    nowhere = KEYS["mesh.waves.hold"]
    assert [case.purpose for case in whole_cases() if outcome(case) != outcome(without(case, nowhere))] == []


@pytest.mark.parametrize("name", KEYS)
def test_key_is_shown_by_a_request_through_a_real_envoy(name: str) -> None:
    assert (name in _requested()) != (name in WITHOUT_REQUEST), "no test in tests/real is marked with it"


@pytest.mark.parametrize("name", KEYS)
def test_key_has_a_mistake_in_a_golden_case(name: str) -> None:
    assert mistaken()[name], "no case of tests/golden/cases has a mistake at it"


@pytest.mark.parametrize("name", KEYS)
def test_mistakes_of_a_key_are_those_that_it_says(name: str) -> None:
    assert mistaken()[name] <= {*KEYS[name].codes, *EVERYWHERE}


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

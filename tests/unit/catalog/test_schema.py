"""The published schema: draft 7, whole, and one that tells the kinds of entries apart by themselves."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from meshctl.catalog.declared import declared, places
from meshctl.catalog.schema import DRAFT, as_json, modeline, schema
from meshctl.catalog.shape import Value
from meshctl.catalog.source import Kind

ALL = tuple(Kind)
EXAMPLES = sorted(Path("catalog").rglob("*.yaml"))


@pytest.mark.parametrize("kinds", [*((kind,) for kind in Kind), ALL], ids=str)
def test_schema_is_one_of_draft_7(kinds: tuple[Kind, ...]) -> None:
    found = schema(kinds)
    assert found["$schema"] == DRAFT
    Draft7Validator.check_schema(found)


@pytest.mark.parametrize("file", EXAMPLES, ids=str)
def test_example_mesh_is_right_by_the_schema(file: Path) -> None:
    found = Draft7Validator(schema(ALL)).iter_errors(as_json(file.read_text(encoding="utf-8")))
    assert [error.message for error in found] == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("service: voice\nprot: 80\nport: 80", ""),
        ("service: voice\nport: many", "port"),
        ("gateway: edge\nlisteners: [{bind: 80}]", "listeners.0.bind"),
        ("service: {timeouts: {request: 15}}", "service.timeouts.request"),
        ("format: 1\nedition: 2026.11\nname: Mesh", "name"),
        ("service: voice\nport: 80\nroutes: [{match: {path: a}, to: voice/v1}]", "routes.0.match.path"),
        ("name: voice", ""),
    ],
)
def test_mistake_is_told_where_it_is(text: str, path: str) -> None:
    errors = list(Draft7Validator(schema(ALL)).iter_errors(as_json(text)))
    assert [".".join(map(str, error.absolute_path)) for error in errors] == [path]


def test_patterns_are_those_of_all_readers() -> None:
    """None has what Python reads otherwise than ECMA 262 with the flag `u`, or `$` before a last newline."""
    patterns = list(_patterns(schema(ALL)))
    assert patterns
    for pattern in patterns:
        assert not any(sign in pattern for sign in (r"\d", r"\w", r"\s", r"\Z", "(?P", r"\-", r"\_")), pattern


def _patterns(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == "pattern" and isinstance(value, str))
        for value in part.values():
            yield from _patterns(value)
    elif isinstance(part, list):
        for value in part:
            yield from _patterns(value)


def test_every_key_stands_in_the_schema_with_its_words() -> None:
    definitions = json.loads(json.dumps(schema(ALL)))["definitions"]
    for key in declared():
        said = definitions[key.model.__name__]["properties"][key.name]["description"]
        assert said.startswith(key.doc), key.path


def test_a_value_says_what_it_takes_in_words() -> None:
    for key in places().values():
        if isinstance(key.shape, Value):
            assert key.shape.takes.words
            assert key.shape.takes.schema


def test_a_file_names_the_schema_beside_mesh_yaml() -> None:
    assert modeline("mesh.yaml") == "# yaml-language-server: $schema=schema.json\n"
    assert modeline("platform/voice.yaml") == "# yaml-language-server: $schema=../schema.json\n"

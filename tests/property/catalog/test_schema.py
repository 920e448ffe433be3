"""The schema that editors have refuses nothing that the reader takes, whatever is written.

It takes more where a check needs arithmetic or other parts of the file (`meshctl.catalog.schema`); on the
scalars that need neither, both agree.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from pydantic import ValidationError

from meshctl.catalog.declared import Declared, declared
from meshctl.catalog.schema import as_json, schema
from meshctl.catalog.source import Kind, read_source
from meshctl.catalog.typed import example as example_of
from meshctl.catalog.typed import plain
from meshctl.catalog.yaml import parse
from tests.golden.case import Case, cases
from tests.support.entries import catalogs

KEYS = declared()
LIKELY = (
    "1", "0", "-1", "+8080", "010", "1.10", "1e3", ".5", "1_000", "0x1F", "0o17", ".inf", ".nan", "true",
    "False", "null", "~", "yes", "5s", "0s", "250ms", "25h", "5 s", "5%", "100%", "0.5%", "101%", "v1",
    "voice", "voice/v2", "inbound", "Voice", "a-", "10.0.0.1", "10.0.0.1:80", "[::1]:80", "::1",
    "[10.0.0.1]:80", "::ffff:1.2.3.4", "256.1.1.1", "1.2.3.4:0", "api.example.com", "*.example.com",
    "API.example.com", "/", "/**", "/a/{b}/**", "/a//b", "/%2F", "/a?b", "http", "never_sent", "5xx",
    "2026.11", "2026-11-24", "GET", "get", "\u212aelvin", "٣s",
)  # fmt: skip
"""Scalars at the borders of what some key takes."""

PLAIN = st.text("abvzAZ019.-_/:%{}*sm~<>= é٣\u212a", max_size=8)
SCALARS = st.sampled_from(LIKELY) | PLAIN | st.from_regex(r"[a-z0-9./:%*-]{1,12}", fullmatch=True)


@st.composite
def values(draw: st.DrawFn, sample: str) -> str:
    """A value as it may be written: the example of a key, changed; or another one, in lists and mappings."""
    form = draw(st.sampled_from(("{}", '"{}"', "[{}]", "{{v1: {}}}", "example", "cut", "swapped")))
    scalar = draw(SCALARS)
    match form:
        case "example":
            return sample
        case "cut":
            at = draw(st.integers(0, max(len(sample) - 1, 0)))
            return sample[:at] + sample[at + 1 :]
        case "swapped":
            at = draw(st.integers(0, max(len(sample) - 1, 0)))
            return sample[:at] + scalar + sample[at + draw(st.integers(0, 3)) :]
        case _:
            return form.format(scalar)


class Written(NamedTuple):
    key: Declared
    value: str


WRITTEN = st.sampled_from(KEYS).flatmap(
    lambda key: st.builds(Written, st.just(key), values(key.example) | values(key.example))
)


@cache
def _validator(key: Declared) -> Draft7Validator:
    definitions = schema(tuple(Kind))["definitions"]
    at = f"#/definitions/{key.model.__name__}/properties/{key.name}"
    return Draft7Validator({"$ref": at, "definitions": definitions})


def _reads(key: Declared, value: object) -> bool:
    """Whether the reader takes it, whatever else the mapping needs."""
    try:
        key.model.model_validate({key.name: value})
    except ValidationError as error:
        return all(detail["loc"][:1] != (key.name,) for detail in error.errors())
    return True


@settings(max_examples=1_500)
@given(WRITTEN)
@example(Written(KEYS[0], "1.10"))
def test_schema_takes_every_value_that_the_reader_takes(written: Written) -> None:
    document = parse("value", written.value.encode())
    if document.root is None or document.problems:
        return
    if _reads(written.key, plain(document.root)):
        errors = _validator(written.key).iter_errors(as_json(written.value))
        assert [error.message for error in errors] == []


ENTRIES = [
    (section.title.removeprefix("catalog/"), section.body)
    for path in cases(Path("tests/golden/cases"))
    for section in Case.read(path).sections
    if section.title.startswith("catalog/")
]
WHOLE = Draft7Validator(schema(tuple(Kind)))
BY_KIND = {kind: Draft7Validator(schema((kind,))) for kind in Kind}


@settings(max_examples=600)
@given(st.sampled_from(ENTRIES), st.data())
def test_schema_takes_every_entry_that_the_reader_takes(entry: tuple[str, str], data: st.DataObject) -> None:
    file, text = entry
    if data.draw(st.booleans(), "changed"):
        at = data.draw(st.integers(0, len(text)), "at")
        text = text[:at] + data.draw(SCALARS, "scalar") + text[at + data.draw(st.integers(0, 6), "cut") :]
    source = read_source(file, text.encode())
    if source.entry is None or source.kind is None:
        return
    seen = as_json(text)
    assert [error.message for error in WHOLE.iter_errors(seen)] == []
    assert [error.message for error in BY_KIND[source.kind].iter_errors(seen)] == []


@settings(max_examples=30)
@given(catalogs())
def test_schema_takes_every_entry_of_random_catalogs_that_the_reader_takes(files: dict[str, bytes]) -> None:
    for file, text in files.items():
        source = read_source(file, text)
        if source.entry is not None and source.kind is not None:
            seen = as_json(text.decode())
            assert [error.message for error in BY_KIND[source.kind].iter_errors(seen)] == []


EXACT = (
    "service.protocol",
    "service.port",
    "service.retries.attempts",
    "mesh.edition",
    "service.routes.respond.status",
)
"""Keys that need no arithmetic; of the scalars below, no reader guesses another type than is written."""


@settings(max_examples=300)
@given(st.sampled_from([key for key in KEYS if ".".join(key.path) in EXACT]), SCALARS)
def test_reader_takes_every_scalar_that_the_schema_takes(key: Declared, scalar: str) -> None:
    document = parse("value", scalar.encode())
    if document.root is None or document.problems:
        return
    seen = as_json(scalar)
    if str(seen) == scalar and _validator(key).is_valid(seen):  # 1e3 is the number 1000 to an editor
        assert _reads(key, plain(document.root))


def test_the_keys_that_agree_are_all_there() -> None:
    assert {".".join(key.path) for key in KEYS} >= set(EXACT)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ".".join(key.path))
def test_schema_refuses_something_of_every_key(key: Declared) -> None:
    anything: tuple[object, ...] = ({"no-such": {"key": [[]]}}, [[{}]], None)
    assert not any(map(_validator(key).is_valid, anything))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ".".join(key.path))
def test_schema_takes_the_example_of_every_key(key: Declared) -> None:
    assert _validator(key).is_valid(as_json(example_of(key.info)))

"""pydantic checks the shape, and none of its words reaches anybody."""

from collections.abc import Callable, Iterator

import pytest

from meshctl.catalog.files import DefaultsFile, MeshFile
from meshctl.catalog.gateway import Gateway
from meshctl.catalog.key import Entry, Key, keys_of
from meshctl.catalog.service import Service
from meshctl.catalog.typed import WANTED, example, plain, typed
from meshctl.catalog.yaml import MappingNode, parse

MODELS: tuple[type[Entry], ...] = (Service, Gateway, MeshFile, DefaultsFile)

RAISES = {
    "model": {"model_type"},
    "model-fields": {"missing", "extra_forbidden", "model_type"},
    "model-field": set(),
    "tuple": {"tuple_type"},
    "dict": {"dict_type"},
    "nullable": set(),
    "chain": set(),
    "default": set(),
    "definitions": set(),
    "definition-ref": set(),
    "function-plain": set(),
    "function-before": set(),
    "function-after": set(),
    "function-wrap": set(),
}
"""What each kind of pydantic's schemas that the catalog uses can complain of."""


def _kinds(schema: object, definitions: dict[str, object]) -> Iterator[str]:
    """The kinds of schemas that take part in validation."""
    if isinstance(schema, list | tuple):
        for part in schema:
            yield from _kinds(part, definitions)
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if kind == "definitions":
        definitions.update({part["ref"]: part for part in schema["definitions"]})
    elif kind == "definition-ref":
        yield from _kinds(definitions[schema["schema_ref"]], definitions)
    if isinstance(kind, str) and kind not in ("no-info", "with-info"):
        yield kind
    for name, part in schema.items():
        if name not in ("serialization", "metadata", "function", "json_schema_input_schema", "definitions"):
            yield from _kinds(part, definitions)


def _keys() -> list[type[Key]]:
    found: set[type[Key]] = set()
    todo: list[type[Key]] = list(Key.__subclasses__())
    while todo:
        key = todo.pop()
        found.add(key)
        todo += key.__subclasses__()
    named = [key for key in found if key.model_fields and key.__module__.startswith("meshctl.")]
    return sorted(named, key=lambda key: key.__name__)


@pytest.mark.parametrize("model", MODELS)
def test_every_error_that_pydantic_can_find_has_our_words(model: type[Entry]) -> None:
    kinds = set(_kinds(model.__pydantic_core_schema__, {}))
    assert kinds <= RAISES.keys()
    errors = set[str]().union(*(RAISES[kind] for kind in kinds))
    assert errors <= {*WANTED, "missing", "extra_forbidden"}


@pytest.mark.parametrize("key", _keys())
def test_every_key_has_a_description_and_an_example_that_is_right(key: type[Key]) -> None:
    for name, info in keys_of(key).items():
        assert info.description, f"{key.__name__}.{name}"
        root = parse("example", example(info).encode()).root
        assert root is not None, f"{key.__name__}.{name}"
        others = {
            other: plain(node)
            for other, field in keys_of(key).items()
            if other != name
            and field.is_required()
            and (node := parse("example", example(field).encode()).root)
        }
        if {"to", "respond"} <= keys_of(key).keys() and name == "match":
            others["respond"] = {"status": 200}
        if {"open_to", "routes"} <= keys_of(key).keys() and name == "hosts":
            others["routes"] = ({"respond": {"status": 200}},)
        if {"policy", "by"} <= keys_of(key).keys() and name == "by":
            others["policy"] = "maglev"
        read = key.model_validate({**others, name: plain(root)})
        assert {name, f"{name}_"} & read.model_fields_set


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("rotues: 1", ["4:1: MSH0201 service has no key 'rotues'; write 'routes'"]),
        ("uses: accounts", ["4:7: MSH0203 uses is the text 'accounts', not a list; write [accounts]"]),
        (
            "uses: {a: b}",
            ["4:7: MSH0203 uses is a mapping, not a list; write uses: [accounts], for example"],
        ),
        ("uses:", ["4:6: MSH0203 uses has no value; write uses: [accounts], for example"]),
        (
            "uses: [[a]]",
            ["4:8: MSH0203 an item of uses is a list, not a name; write uses: [accounts], for example"],
        ),
        (
            "timeouts: 15s",
            [
                "4:11: MSH0203 timeouts is the text '15s', not a mapping of keys;"
                " write timeouts: {request: 15s}, for example"
            ],
        ),
        (
            "description: [a]",
            [
                "4:14: MSH0203 description is a list, not a text;"
                " write description: Programmable Voice API, for example"
            ],
        ),
    ],
)
def test_a_wrong_shape_is_told_with_what_to_write(
    voice: Callable[[str], list[str]], text: str, lines: list[str]
) -> None:
    assert voice(text) == lines


def test_all_mistakes_of_a_file_are_told_in_one_go(told: Callable[..., list[str]]) -> None:
    found = told("service: voice\nprot: 8080\nendpoints: [10.0.0.1, 10.0.0.1]\nserving: v3\nuses: b\n")
    assert [line.split()[1] for line in found] == ["MSH0201", "MSH0215", "MSH0214", "MSH0203"]


def test_a_missing_key_is_told_where_no_misspelt_one_was_meant(told: Callable[..., list[str]]) -> None:
    assert told("service: voice\nendpoints: [10.0.0.1]\n") == [
        "1:1: MSH0202 service needs the key 'port'; add port: 8080"
    ]
    assert told("service: voice\nport: 1\nendpoint: [10.0.0.1]\n") == [
        "3:1: MSH0201 service has no key 'endpoint'; write 'endpoints'"
    ]


def test_a_file_full_of_mistakes_is_told_up_to_a_limit(told: Callable[..., list[str]]) -> None:
    keys = "".join(f"k{n}: 1\n" for n in range(2_000))
    assert len(told(f"service: voice\nport: 1\nendpoints: []\n{keys}")) == 100


def test_free_keys_are_dropped_from_mappings_of_keys_only() -> None:
    text = (
        "service: voice\nport: 1\nendpoints: []\nx-owner: me\ntimeouts: {x-why: y}\n"
        "routes: [{match: {headers: {x-beta: '1'}}, to: voice/v1, x-a: b}]\n"
    )
    root = parse("f", text.encode()).root
    assert isinstance(root, MappingNode)
    service, mistakes = typed(Service, root)
    assert mistakes == []
    assert service is not None
    assert service.routes[0].match is not None
    assert service.routes[0].match.headers == {"x-beta": "1"}

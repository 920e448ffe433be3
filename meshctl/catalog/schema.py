"""What a catalog may say as JSON Schema, draft 7, for editors.

Imports `catalog.declared`, `catalog.shape`, `catalog.source`, `catalog.takes` and `catalog.yaml`. It refuses
nothing that the reader takes. It takes more than the reader where a check needs other keys, other entries or
arithmetic: of two keys exactly one, shares that make 100%, items listed once, versions and services that
exist, reserved names, bytes of a text, the port of a `bind`, the numbers of an address, empty mappings.
"""

from collections.abc import Callable, Mapping, Sequence

from meshctl.catalog.declared import default_of, fields
from meshctl.catalog.key import Key, keys_of
from meshctl.catalog.scalars import is_null
from meshctl.catalog.shape import Either, Keys, Many, Named, Shape, Value, inner, shape
from meshctl.catalog.source import MODELS, Kind
from meshctl.catalog.takes import Schema, guessed, names
from meshctl.catalog.typed import example
from meshctl.catalog.yaml import MappingNode, Node, ScalarNode, parse

DRAFT = "http://json-schema.org/draft-07/schema#"
SCHEMA_FILE = "schema.json"
"""The file beside `mesh.yaml` that entries name to editors."""

Without = Callable[[type[Key], str], str]
"""What is so where a key is not written, in words, by the model and the name of the key; "" for nothing."""

_MARKS: Mapping[Kind, Schema] = {
    Kind.GATEWAY: {"required": ["gateway"]},
    Kind.DEFAULTS: {
        "anyOf": [
            {"required": [key], "properties": {key: {"type": "object"}}} for key in ("service", "protocol")
        ]
    },
    Kind.SERVICE: {"required": ["service"]},
    Kind.MESH: {"anyOf": [{"required": [key]} for key in ("format", "edition")]},
}
"""How an editor, which knows no file names, tells the kinds of entries apart; asked in this order."""


def schema(kinds: Sequence[Kind], without: Without = lambda _model, _name: "") -> dict[str, object]:
    """The schema of entries of these kinds."""
    models = [MODELS[kind] for kind in kinds]
    root = _chosen(kinds) if len(kinds) > 1 else _reference(MODELS[kinds[0]])
    return {"$schema": DRAFT, **root, "definitions": definitions(models, without)}


def definitions(models: Sequence[type[Key]], without: Without) -> dict[str, object]:
    """The schemas of these models and of all below, by name."""
    found: dict[str, type[Key]] = {}
    for model in models:
        _collect(model, found)
    return {name: _model(model, without) for name, model in found.items()}


def modeline(file: str) -> str:
    """The comment by which an editor finds the schema of an entry, given its path within the catalog."""
    return f"# yaml-language-server: $schema={'../' * file.count('/')}{SCHEMA_FILE}\n"


def _chosen(kinds: Sequence[Kind]) -> dict[str, object]:
    """The entry's own kind, so that a mistake is told at its place, not as "none of these"."""
    first = [kind for kind in _MARKS if kind in kinds]
    rest: dict[str, object] = {
        "type": "object",
        "anyOf": [dict(_MARKS[kind]) for kind in (Kind.SERVICE, Kind.GATEWAY, Kind.MESH) if kind in kinds],
        "properties": {
            key: _property(MODELS[kind], key, lambda _model, _name: "")
            for kind in kinds
            for key in _kind_keys(kind)
        },
    }
    for kind in reversed(first):
        rest = {"if": dict(_MARKS[kind]), "then": _reference(MODELS[kind]), "else": rest}
    return {"type": "object", **rest}


def _kind_keys(kind: Kind) -> Sequence[str]:
    return [kind.value] if kind in (Kind.SERVICE, Kind.GATEWAY) else []


def _collect(model: type[Key], models: dict[str, type[Key]]) -> None:
    if model.__name__ in models:
        return
    models[model.__name__] = model
    for info in keys_of(model).values():
        for below in inner(shape(info)):
            _collect(below, models)


def _model(model: type[Key], without: Without) -> dict[str, object]:
    required = [name for name, info in fields(model).items() if info.is_required()]
    return {
        "type": "object",
        "description": _sentence(model),
        "properties": {name: _property(model, name, without) for name in fields(model)},
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _sentence(model: type[Key]) -> str:
    return (model.__doc__ or "").partition(" Envoy:")[0].partition("\n")[0]


def _property(model: type[Key], name: str, without: Without) -> dict[str, object]:
    info = keys_of(model)[name]
    said = without(model, name)
    description = f"{info.description}\n\nWithout it: {said}." if said else f"{info.description}"
    more: dict[str, object] = {"description": description, "examples": [as_json(example(info))]}
    if default := default_of(info):
        more["default"] = as_json(default)
    return {**_schema(shape(info)), **more}


def _schema(of: Shape) -> dict[str, object]:
    match of:
        case Value(takes, keys):
            if keys is None:
                return dict(takes.schema)
            return {"anyOf": [dict(takes.schema), _reference(keys)]}
        case Keys(model):
            return _reference(model)
        case Many(item):
            return {"type": "array", "items": _schema(item)}
        case Named(name, value):
            return {"type": "object", **names(name), "additionalProperties": _schema(value)}
        case Either(items, keys):
            return {"anyOf": [_schema(items), _schema(keys)]}


def _reference(model: type[Key]) -> dict[str, object]:
    return {"$ref": f"#/definitions/{model.__name__}"}


def as_json(text: str) -> object:
    """A YAML text as an editor sees it, which guesses the types of scalars. The text is YAML."""
    return _json(parse("", text.encode()).root)


def _json(node: Node | None) -> object:
    if isinstance(node, MappingNode):
        return {key: _json(value) for key, (_, value) in node.entries.items()}
    if isinstance(node, ScalarNode):
        if is_null(node):
            return None
        return guessed(node.text) if node.plain else node.text
    return [_json(item) for item in node.items] if node else None

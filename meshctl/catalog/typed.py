"""A tree of nodes as one typed entry, or everything that is wrong with it, in our words.

Imports `catalog.key`, `catalog.problems`, `catalog.scalars` and `catalog.yaml`. pydantic checks the
shape; its errors are translated here, and none of its words gets out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, TypeVar, Union, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from meshctl.catalog.key import REFUSED, WRONG_VALUE, Entry, Key, ListOrKeys, Written, keys_of
from meshctl.catalog.problems import MISSING_KEY, UNKNOWN_KEY, WRONG_SHAPE, Mistake, near, shown
from meshctl.catalog.scalars import is_null
from meshctl.catalog.yaml import MappingNode, Node, ScalarNode, SequenceNode, parse
from meshctl.problems import KeyPath

E = TypeVar("E", bound=Entry)

WANTED = {
    "model_type": "a mapping of keys",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "tuple_type": "a list",
}
"""pydantic's errors about a value's shape, and what was wanted; the rest: `missing`, `extra_forbidden`."""
MOST = 100
"""Mistakes that are told of one file: nobody reads more, and each costs a search for the nearest word."""

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NAMES = {
    "MeshFile": "mesh.yaml",
    "DefaultsFile": "defaults.yaml",
    "Inherited": "service",
    "ByKeys": "by",
    "SessionKeys": "by",
    "WaveKeys": "waves",
    "EndpointKeys": "an endpoint",
    "DnsKeys": "endpoints",
}


def typed(model: type[E], root: MappingNode) -> tuple[E | None, list[Mistake]]:
    """The entry of a tree, None where anything is wrong with it, and all mistakes."""
    written = cast("dict[str, object]", plain(root))
    try:
        entry, mistakes, broken = model.model_validate(written), [], frozenset[str]()
    except ValidationError as error:
        details = error.errors(include_url=False)
        meant = _meant(model, details[:MOST])
        told = [detail for detail in details if detail["type"] != "missing" or detail["loc"] not in meant]
        mistakes = [mistake for detail in told[:MOST] for mistake in _mistakes(model, detail)]
        broken = frozenset(str(path[0]) for path in (*meant, *(detail["loc"] for detail in details)) if path)
        entry = _with_placeholders(model, written, broken)
    mistakes += entry.mistakes(broken)
    return (None if mistakes else entry), mistakes[:MOST]


def plain(node: Node) -> object:
    """Nodes as pydantic takes them: mappings as dicts, lists as tuples, scalars as they are."""
    if isinstance(node, MappingNode):
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    if isinstance(node, SequenceNode):
        return tuple([plain(item) for item in node.items])
    return node


def example(info: FieldInfo) -> str:
    """A key's value as one would write it."""
    return str((info.examples or [""])[0])


def _with_placeholders(model: type[E], written: Mapping[str, object], broken: frozenset[str]) -> E:
    """The entry with examples for what must be there and is broken, so that the rest can be checked."""
    whole = {key: value for key, value in written.items() if key not in broken}
    for name in broken & keys_of(model).keys():
        info = keys_of(model)[name]
        if info.is_required() and (root := parse("", example(info).encode()).root):
            whole[name] = plain(root)
    return model.model_validate(whole)


def _meant(model: type[Key], details: Sequence[ErrorDetails]) -> frozenset[KeyPath]:
    """The keys that unknown ones were probably meant to be: they are not told as missing, too."""
    return frozenset(
        (*path[:-1], close)
        for detail in details
        if detail["type"] == "extra_forbidden"
        and (path := detail["loc"])
        and (holder := _model_at(model, path[:-1]))
        and (close := near(str(path[-1]), tuple(keys_of(holder))))
    )


def _mistakes(model: type[Key], detail: ErrorDetails) -> Iterator[Mistake]:
    kind, context = detail["type"], detail.get("ctx", {})
    on_key = bool(detail["loc"]) and detail["loc"][-1] == "[key]"
    path: KeyPath = tuple(step for step in detail["loc"] if step != "[key]")
    if kind == REFUSED:
        for mistake in cast("tuple[Mistake, ...]", context["mistakes"]):
            yield mistake.within(path, on_key=on_key)
    elif kind == "extra_forbidden":
        yield _unknown(_model_at(model, path[:-1]), path)
    elif kind == "missing":
        yield _missing(_model_at(model, path[:-1]), path)
    else:
        wanted = str(context["wanted"]) if kind == WRONG_VALUE else WANTED.get(kind, "what this key takes")
        yield _wrong_shape(model, path, detail["input"], wanted)


def _unknown(holder: type[Key] | None, path: KeyPath) -> Mistake:
    key = str(path[-1])
    known = tuple(keys_of(holder)) if holder else ()
    close = near(key, known)
    fix = f"write {close!r}" if close else f"its keys are {', '.join(known)}"
    return Mistake(UNKNOWN_KEY, f"{_name(holder)} has no key {shown(key)}", fix, path, on_key=True)


def _missing(holder: type[Key] | None, path: KeyPath) -> Mistake:
    key = str(path[-1])
    sample = example(keys_of(holder)[key]) if holder else "…"
    return Mistake(MISSING_KEY, f"{_name(holder)} needs the key {key!r}", f"add {key}: {sample}", path[:-1])


def _wrong_shape(model: type[Key], path: KeyPath, written: object, wanted: str) -> Mistake:
    words = [step for step in path if isinstance(step, str)]
    key = words[-1] if words else "the entry"
    subject = f"an item of {key}" if path and isinstance(path[-1], int) else key
    said = "has no value" if is_null(written) else f"is {_said(written)}, not {wanted}"
    message = f"{subject} {said}"
    return Mistake(WRONG_SHAPE, message, _shape_fix(model, path, written, wanted), path)


def _shape_fix(model: type[Key], path: KeyPath, written: object, wanted: str) -> str:
    item = _type_at(model, (*path, 0))
    is_mapping = isinstance(item, type) and issubclass(item, Key)
    is_item = isinstance(written, ScalarNode) and not is_null(written) and not is_mapping
    if wanted == "a list" and isinstance(written, ScalarNode) and is_item:
        return f"write [{written.text}]" if len(written.text) <= 60 else "write it as a list: [item, item]"
    for cut in reversed(range(len(path))):
        holder = _model_at(model, path[:cut])
        if holder and (info := keys_of(holder).get(str(path[cut]))):
            return f"write {path[cut]}: {example(info)}, for example"
    return f"write {wanted}"


def _said(written: object) -> str:
    if isinstance(written, Mapping):
        return "a mapping"
    if isinstance(written, Sequence) and not isinstance(written, str):
        return "a list"
    return f"the text {shown(written.text if isinstance(written, ScalarNode) else str(written))}"


def _name(model: type[Key] | None) -> str:
    name = model.__name__ if model else "the entry"
    return _NAMES.get(name, _WORD.sub("_", name).lower())


def _model_at(model: type[Key], path: KeyPath) -> type[Key] | None:
    """The model of the mapping that a path leads to, None where it has none of its own."""
    return _model(_type_at(model, path))


def _type_at(model: type[Key], path: KeyPath) -> object:
    at: object = model
    for step in path:
        at = _step(at, step)
    return _bare(at)


def _step(annotation: object, step: str | int) -> object:
    at = _bare(annotation)
    if isinstance(step, int) and isinstance(at, type) and issubclass(at, ListOrKeys):
        return at.items
    if model := _model(at):
        info = keys_of(model).get(str(step))
        return info.annotation if info else None
    arguments = get_args(at)
    return arguments[0 if isinstance(step, int) else -1] if arguments else None


def _model(at: object) -> type[Key] | None:
    """The keys that a value of this type has, None where it is no mapping of keys."""
    if not isinstance(at, type):
        return None
    if issubclass(at, Written | ListOrKeys):
        return at.keys
    return at if issubclass(at, Key) else None


def _bare(annotation: object) -> object:
    """An annotation without `| None` and what is noted beside it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _bare(get_args(annotation)[0])
    if origin in (Union, UnionType):
        some = [argument for argument in get_args(annotation) if argument is not NoneType]
        return _bare(some[0]) if len(some) == 1 else None
    return annotation

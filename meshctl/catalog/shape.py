"""What a key takes, taken apart: a value, a list, a mapping by names, or a mapping of further keys.

Imports `catalog.key` and `catalog.takes`. Everything else that is said of keys (schema, explanations, the
reference) is made from these shapes, so that none of it knows types.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, TypeAlias, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from meshctl.catalog.key import Key, ListOrKeys, Scalar, Written, keys_of
from meshctl.catalog.takes import Takes
from meshctl.problems import Code


@dataclass(frozen=True, slots=True)
class Value:
    """One value, in one or several forms, one of which may be a mapping of `keys`."""

    takes: Takes
    keys: type[Key] | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping of the keys that a model has."""

    model: type[Key]


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    item: "Shape"


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping of names that the team chooses."""

    name: Takes
    value: "Shape"


@dataclass(frozen=True, slots=True)
class Either:
    """A list, or a mapping of keys in its place."""

    items: Many
    keys: Keys


Shape: TypeAlias = Value | Keys | Many | Named | Either


def shape(info: FieldInfo) -> Shape:
    """What a field takes. Raises TypeError for a type that does not say it."""
    for beside in info.metadata:
        if isinstance(beside, Scalar):
            return Value(beside.takes)
    return _shape(info.annotation)


def _shape(annotation: object) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        for beside in arguments[1:]:
            if isinstance(beside, Scalar):
                return Value(beside.takes)
    if origin in (Union, UnionType):
        some = [argument for argument in arguments if argument is not NoneType]
        if len(some) == 1:
            return _shape(some[0])
    if origin is tuple:
        return Many(_shape(arguments[0]))
    if origin is Mapping:
        name = _shape(arguments[0])
        if isinstance(name, Value):
            return Named(name.takes, _shape(arguments[1]))
    if isinstance(annotation, type) and issubclass(annotation, Written):
        return Value(annotation.takes, annotation.keys)
    if isinstance(annotation, type) and issubclass(annotation, ListOrKeys):
        return Either(Many(_shape(annotation.items)), Keys(annotation.keys))
    if isinstance(annotation, type) and issubclass(annotation, Key):
        return Keys(annotation)
    raise TypeError(f"{annotation} does not say what it takes")


def inner(of: Shape) -> tuple[type[Key], ...]:
    """The models of the keys within, whatever stands around them; two at most."""
    match of:
        case Value(_, keys):
            return (keys,) if keys else ()
        case Keys(model):
            return (model,)
        case Many(item):
            return inner(item)
        case Named(_, value):
            return inner(value)
        case Either(items, keys):
            return (*inner(items), *inner(keys))


def holder(of: Shape, key: str) -> type[Key] | None:
    """The model within that has this key."""
    return next((model for model in inner(of) if key in keys_of(model)), None)


def towards(of: Shape, key: str) -> Shape:
    """The shape; of a list or a mapping the one that has this key within."""
    if isinstance(of, Either):
        return of.items if holder(of.items, key) else of.keys
    return of


def words(of: Shape) -> str:
    """The shape in words, as in "takes {words}"."""
    match of:
        case Value(takes, keys):
            return f"{takes.words}; or {_keys(keys)}" if keys else takes.words
        case Keys(model):
            return _keys(model)
        case Many(item):
            return f"a list; each item is {words(item)}"
        case Named(name, value):
            return f"a mapping; each key is {name.words}, its value {words(value)}"
        case Either(items, keys):
            return f"{words(items)}; or, in place of the list, {words(keys)}"


def _keys(model: type[Key]) -> str:
    return f"a mapping of keys: {', '.join(keys_of(model))}"


def codes(of: Shape) -> Iterator[Code]:
    """What may be wrong with a value of this shape, but for the keys within."""
    match of:
        case Value(takes, _):
            yield from takes.codes
        case Keys(_):
            return
        case Many(item):
            yield from codes(item)
        case Named(name, value):
            yield from name.codes
            yield from codes(value)
        case Either(items, _):
            yield from codes(items)

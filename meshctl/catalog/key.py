"""What every key is made of: a frozen, strict model, its fields' words, and values with a text form.

Imports `catalog.problems` and `catalog.takes`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, NoReturn, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic import ValidatorFunctionWrapHandler as ReadKeys
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from meshctl.catalog.problems import Mistake, near
from meshctl.catalog.takes import Takes

T = TypeVar("T")

REFUSED = "refused"
"""The type of pydantic's errors that carry our own mistakes."""
WRONG_VALUE = "wrong_value"
"""The type of those that only say what kind of value was wanted; the key's example says the rest."""


def field(
    *, doc: str, example: str, default: object = None, envoy: Sequence[str] = (), codes: Sequence[str] = ()
) -> Any:
    """An optional key: what it means, and its value as one would write it in YAML.

    `envoy` are the fields that it becomes (`config.route.v3.RouteAction.timeout`); `codes` the mistakes that
    are found when it is compared with other keys and entries. Those of its type say themselves.
    """
    return Field(default=default, description=doc, examples=[example], json_schema_extra=_more(envoy, codes))


def required(*, doc: str, example: str, envoy: Sequence[str] = (), codes: Sequence[str] = ()) -> Any:
    """A key that must be there; see `field`."""
    return Field(description=doc, examples=[example], json_schema_extra=_more(envoy, codes))


def _more(envoy: Sequence[str], codes: Sequence[str]) -> dict[str, Any]:
    return {"envoy": list(envoy), "codes": list(codes)}


def refuse(*mistakes: Mistake) -> NoReturn:
    """Refuse the value that is being read. The mistakes' paths lead from that value."""
    raise PydanticCustomError(REFUSED, "refused", {"mistakes": mistakes})


def wrong_value(wanted: str) -> NoReturn:
    """Refuse a value of another kind than the key takes; `wanted` reads as in "is not {wanted}"."""
    raise PydanticCustomError(WRONG_VALUE, "another kind of value", {"wanted": wanted})


class Key(BaseModel):
    """A mapping of keys that a team may write. `x-…` keys are free, and dropped.

    A field is named like its key; with `_` behind, where Python keeps the word for itself (`not_`, `from_`).
    """

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", alias_generator=lambda name: name.removesuffix("_")
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_free_keys(cls, written: object) -> object:
        if isinstance(written, dict) and any(key.startswith("x-") for key in written):
            return {key: value for key, value in written.items() if not key.startswith("x-")}
        return written

    def __hash__(self) -> int:
        return hash(tuple(map(_hashable, self.__dict__.values())))


@cache
def keys_of(model: type[Key]) -> Mapping[str, FieldInfo]:
    """The fields of a model by their keys, as they are written."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _hashable(value: object) -> object:
    return frozenset(value.items()) if isinstance(value, dict) else value


class CheckedKey(Key):
    """A key whose parts must fit together."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if found := tuple(self.mistakes()):
            refuse(*found)
        return self

    @abstractmethod
    def mistakes(self) -> Iterator[Mistake]:
        """What does not fit together; paths lead from this key."""


class Entry(Key):
    """The keys of one file. Its parts are checked against each other apart from its typing."""

    def mistakes(self, broken: Container[str]) -> Iterator[Mistake]:
        """What does not fit together. The top keys in `broken` hold placeholders: nothing is said of them."""
        yield from ()


Checks = Iterable[tuple[tuple[str, ...], Callable[[T], Iterator[Mistake]]]]
"""Checks of an entry, each with the top keys that it reads."""


def run(checks: Checks[T], entry: T, broken: Container[str]) -> Iterator[Mistake]:
    """Run the checks that read no broken key."""
    for reads, check in checks:
        if not any(key in broken for key in reads):
            yield from check(entry)


@dataclass(frozen=True, slots=True, eq=False)  # hashed by itself: unions of types do so
class Scalar:
    """Stands beside a type in `Annotated`: how its values are read, and what may be written."""

    read: Callable[[object], object]
    takes: Takes

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)


class Written(ABC):
    """A value that is written as one text, or in one of several forms, and read by its own rules.

    `takes` says what may be written. Where `keys` is given, a mapping is a further form: it is read as that
    model, which `read` is given then; what is wrong with it is told like that of all keys.
    """

    __slots__ = ()

    takes: ClassVar[Takes]
    keys: ClassVar[type[Key] | None] = None

    @classmethod
    @abstractmethod
    def read(cls, written: object) -> Self:
        """The value of what stands in a file; an instance stays as it is. Calls `refuse`."""

    @classmethod
    def _read_form(cls, written: object, read_keys: ReadKeys) -> Self:
        return cls.read(read_keys(written) if isinstance(written, dict) else written)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        if cls.keys is None:
            return core_schema.no_info_plain_validator_function(cls.read)
        return core_schema.no_info_wrap_validator_function(cls._read_form, handler.generate_schema(cls.keys))


class ListOrKeys(ABC):
    """A value that is a list of items, or a mapping of keys in its place."""

    __slots__ = ()

    items: ClassVar[type[Written]]
    keys: ClassVar[type[Key]]

    @classmethod
    @abstractmethod
    def read(cls, written: object) -> Self:
        """The value of a tuple of `items`, or of an instance of `keys`; an instance stays as it is."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        known = tuple(keys_of(cls.keys))

        def read_keys(written: object, read: ReadKeys) -> object:
            # A mapping of other keys was meant to be an item, or to have versions: no key of ours is missing.
            is_meant = isinstance(written, dict) and any(near(key, known) for key in written)
            return read(written) if is_meant else written

        def read_items(written: object, read: ReadKeys) -> object:
            return written if isinstance(written, Key | cls) else read(written)

        wrap = core_schema.no_info_wrap_validator_function
        steps: list[CoreSchema] = [
            wrap(read_keys, handler.generate_schema(cls.keys)),
            wrap(read_items, handler.generate_schema(tuple[cls.items, ...])),  # type: ignore[name-defined]
            core_schema.no_info_plain_validator_function(cls.read),
        ]
        return core_schema.chain_schema(steps)

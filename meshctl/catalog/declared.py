"""Every key that a catalog may have, as its model declares it: where it stands, what it means, what it takes.

Imports the models of entries, `catalog.key` and `catalog.shape`. A key that several entries share, such as
those of `match`, is declared once, and so it is here: with all of its paths.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TypeAlias

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from meshctl.catalog.key import Entry, Key, keys_of
from meshctl.catalog.shape import Many, Named, Shape, codes, holder, inner, shape, towards
from meshctl.catalog.source import MODELS, Kind
from meshctl.catalog.typed import example

Path: TypeAlias = tuple[str, ...]
"""The way to a key: the kind of its entry, then keys; no places in lists, no names that a team chose."""

_INDEX = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True, slots=True, eq=False)
class Declared:
    """One key. `paths` are the places where it may stand, the first being the one that it is known by.

    `default` is its value where nobody says it and no edition does; `example` one as it is written; `codes`
    what may be wrong with it, in its file or beside others; `envoy` the fields that it becomes.
    """

    model: type[Key]
    name: str
    paths: tuple[Path, ...]
    shape: Shape

    @property
    def path(self) -> Path:
        """The place that it is known by."""
        return self.paths[0]

    @property
    def info(self) -> FieldInfo:
        """The field that declares it."""
        return keys_of(self.model)[self.name]

    @property
    def doc(self) -> str:
        """What it means."""
        return self.info.description or ""

    @property
    def example(self) -> str:
        """A value as it is written."""
        return example(self.info)

    @property
    def required(self) -> bool:
        """Whether it must be there."""
        return self.info.is_required()

    @property
    def default(self) -> str:
        """Its value where it is not written, empty where that is nothing, or the edition's to say."""
        return default_of(self.info)

    @property
    def envoy(self) -> tuple[str, ...]:
        """The fields of Envoy's messages that it becomes."""
        return self._more("envoy")

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of what may be wrong with it."""
        of_its_type = (code.code for code in codes(self.shape))
        return tuple(sorted({*of_its_type, *self._more("codes")}))

    @property
    def keys(self) -> tuple[type[Key], ...]:
        """The models of the keys below it."""
        return inner(self.shape)

    def _more(self, what: str) -> tuple[str, ...]:
        more = self.info.json_schema_extra
        found = more.get(what) if isinstance(more, dict) else None
        return tuple(map(str, found)) if isinstance(found, list) else ()


def default_of(info: FieldInfo) -> str:
    """What a field is where it is not written, as one would write it; empty for nothing."""
    value = info.default
    return "" if value is PydanticUndefined or not value else str(value)


@cache
def declared() -> tuple[Declared, ...]:
    """All keys of all entries, each once, in the order of the models."""
    found: dict[tuple[type[Key], str], list[Path]] = {}
    for kind, model in MODELS.items():
        for owner, name, path in _walk(model, (kind.value,), frozenset()):
            found.setdefault((owner, name), []).append(path)
    return tuple(
        Declared(model, name, tuple(paths), shape(keys_of(model)[name]))
        for (model, name), paths in found.items()
    )


@cache
def places() -> Mapping[Path, Declared]:
    """The keys by every place where they may stand."""
    return {path: key for key in declared() for path in key.paths}


def _walk(
    model: type[Key], above: Path, around: frozenset[type[Key]]
) -> Iterator[tuple[type[Key], str, Path]]:
    """The keys of a model and those below; a model within itself is not walked again."""
    for name in fields(model):
        path = (*above, name)
        yield _owner(model, name), name, path
        for below in inner(shape(keys_of(model)[name])):
            if below not in around | {model}:
                yield from _walk(below, path, around | {model})


def fields(model: type[Key]) -> Mapping[str, FieldInfo]:
    """The fields of a model as people read them: its own first, then those that it shares with others."""
    own = {name: info for name, info in keys_of(model).items() if _owner(model, name) is model}
    return {**own, **keys_of(model)}


def _owner(model: type[Key], name: str) -> type[Key]:
    """The model that declares a field."""
    bases = (base for base in model.__mro__ if issubclass(base, Key))
    return next(base for base in bases if {name, f"{name}_"} & base.__annotations__.keys())


def written(path: Path) -> str:
    """A path as one writes it: `gateway.sites[].routes[].match.path`, `service.versions.NAME.endpoints`."""
    model: type[Key] = MODELS[Kind(path[0])]
    steps = [path[0]]
    for step, key in pairwise(path[1:]):
        of = towards(shape(keys_of(model)[step]), key)
        steps.append(step + _marks(of))
        model = holder(of, key) or Entry
    return ".".join((*steps, *path[1:][-1:]))


def _marks(of: Shape) -> str:
    match of:
        case Many(item):
            return f"[]{_marks(item)}"
        case Named(_, value):
            return f".NAME{_marks(value)}"
        case _:
            return ""


def steps(text: str) -> Path:
    """The steps of a path that somebody typed; places in lists are left out."""
    return tuple(step for step in _INDEX.sub("", text).split(".") if step)


def follow(model: type[Key], words: Path) -> tuple[type[Key], str] | None:
    """The key that steps below a model lead to, by owner and name. Names that a team chose are passed."""
    found: tuple[type[Key], str] | None = None
    within: tuple[type[Key], ...] = (model,)
    chosen = False
    for word in words:
        if at := next((one for one in within if word in keys_of(one)), None):
            found = (_owner(at, word), word)
            of = shape(keys_of(at)[word])
            within, chosen = inner(of), _is_named(of)
        elif chosen:
            chosen = False
        else:
            return None
    return found


def _is_named(of: Shape) -> bool:
    match of:
        case Named():
            return True
        case Many(item):
            return _is_named(item)
        case _:
            return False

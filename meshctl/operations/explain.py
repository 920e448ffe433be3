"""What a key, a kind of entry or a code means: what people look up by its name.

May import the catalog, the mesh and the codes; no protobuf.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from meshctl.catalog.declared import Declared, Path, declared, fields, follow, places, steps, written
from meshctl.catalog.files import EDITIONS
from meshctl.catalog.key import Key
from meshctl.catalog.sample import sample
from meshctl.catalog.shape import words
from meshctl.catalog.source import MODELS, Kind
from meshctl.operations.codes import CODES
from meshctl.operations.defaults import defaults
from meshctl.problems import Code, nearest, unknown

EDITION = EDITIONS[-1]
"""The edition whose defaults are told."""


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One key: `path` as one writes it, `also` where else it may stand.

    `takes` completes the sentence "takes ..."; `without` is what holds without it, by protocol ("" for
    all), under `edition`, which is empty where the value belongs to none; `below` are the keys below it.
    """

    path: str
    means: str
    takes: str
    required: bool
    without: Mapping[str, str]
    edition: str
    example: str
    envoy: tuple[str, ...]
    mistakes: tuple[Code, ...]
    also: tuple[str, ...]
    below: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class KindPage:
    """One kind of entry, the file that it stands in, and its keys, each with a line."""

    kind: str
    means: str
    file: str
    keys: tuple[tuple[str, str], ...]


Page = KeyPage | KindPage | Code


class NoSuchKey(Exception):
    """Nothing has this name; the message says what has a similar one."""


class Several(Exception):
    """Several keys have this name; the message says which."""


_FILES: Mapping[Kind, str] = {
    Kind.SERVICE: "catalog/TEAM/NAME.yaml",
    Kind.GATEWAY: "catalog/TEAM/NAME.yaml",
    Kind.MESH: "catalog/mesh.yaml",
    Kind.DEFAULTS: "catalog/defaults.yaml",
}


def explain(asked: str) -> Page:
    """The page of a key, a kind of entry or a code. Raises NoSuchKey and Several."""
    if code := CODES.get(asked.upper()):
        return code
    if asked in {kind.value for kind in Kind}:
        return kind_page(Kind(asked))
    found = _meant(steps(asked))
    if not found:
        raise NoSuchKey(_nothing(asked))
    highest = min(len(path) for path in found.values())
    nearer = {key: path for key, path in found.items() if len(path) == highest}
    if len(nearer) > 1:
        among = " or ".join(sorted(map(written, nearer.values())))
        raise Several(f"{asked!r} is the name of several keys; write {among}")
    ((key, path),) = nearer.items()
    return key_page(key, path)


def names() -> Sequence[str]:
    """All that can be asked for, as one would type it."""
    paths = (written(path) for key in declared() for path in key.paths)
    return [*(kind.value for kind in Kind), *paths, *CODES]


def kind_page(kind: Kind) -> KindPage:
    """The page of a kind of entry: its keys in the order of its file."""
    model = MODELS[kind]
    return KindPage(kind.value, _sentence(model), _FILES[kind], tuple(_below(model, (kind.value,))))


def key_page(key: Declared, path: Path) -> KeyPage:
    """The page of a key at one of its places."""
    of_edition = defaults(EDITION, path)
    own = {"": key.default} if key.default else {}
    return KeyPage(
        path=written(path),
        means=key.doc,
        takes=words(key.shape),
        required=key.required,
        without=of_edition or own,
        edition=EDITION if of_edition else "",
        example=sample(path),
        envoy=key.envoy,
        mistakes=tuple(CODES[code] for code in key.codes),
        also=tuple(written(other) for other in key.paths if other != path),
        below=tuple(line for model in key.keys for line in _below(model, path)),
    )


def without(page: KeyPage) -> str:
    """What holds without the key, in words; "" where nothing does."""
    by_value: dict[str, list[str]] = {}
    for name, value in page.without.items():
        by_value.setdefault(value, []).append(name)
    if len(by_value) > 1:
        said = ", ".join(f"{value} for {_listed(names)}" for value, names in by_value.items())
    else:
        said = next(iter(by_value), "")
    return f"{said} (edition {page.edition})" if page.edition else said


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _below(model: type[Key], above: Path) -> Iterator[tuple[str, str]]:
    for name, info in fields(model).items():
        path = (*above, name)
        yield written(path), info.description or ""
        key = places().get(path)  # None within a model that is within itself
        if key and key.path == path:
            for below in key.keys:
                yield from _below(below, path)


def _meant(asked: Path) -> Mapping[Declared, Path]:
    """The keys that a whole or a shortened path may mean, each with the place that is meant."""
    keys = {(key.model, key.name): key for key in declared()}
    starts: list[tuple[type[Key], Path]] = [(model, asked) for model, name in keys if name in asked[:1]]
    starts += [(MODELS[kind], asked[1:]) for kind in Kind if kind.value in asked[:1]]
    found = [keys[key] for model, rest in starts if (key := follow(model, rest))]
    return {key: _place(key, asked) for key in found}


def _place(key: Declared, asked: Path) -> Path:
    """The place of a key that is meant, else the first; names that a team chose take no part."""
    return max(key.paths, key=lambda path: _in_common(path, asked))


def _in_common(path: Path, asked: Path) -> int:
    """How many steps that were asked for end a path; the first of several with as many is taken."""
    said = tuple(step for step in asked if step in path)
    return len(said) if path[len(path) - len(said) :] == said else 0


def _nothing(asked: str) -> str:
    known = [name.replace("[]", "") for name in names()]
    shorter = [name.partition(".")[2] for name in known if "." in name]
    near = nearest(asked, [*known, *shorter])
    return unknown("key or code", asked, near)


def _sentence(model: type[Key]) -> str:
    return (model.__doc__ or "").partition("\n")[0]

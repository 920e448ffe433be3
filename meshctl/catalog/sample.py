"""A key's example where it stands: the entry around it, with what must be there besides.

Imports `catalog.declared`, `catalog.shape` and `catalog.yaml`.
"""

from collections.abc import Iterator

from meshctl.catalog.declared import Path, fields
from meshctl.catalog.key import Key
from meshctl.catalog.shape import Many, Named, Shape, holder, shape, towards
from meshctl.catalog.source import MODELS, Kind
from meshctl.catalog.typed import example
from meshctl.catalog.yaml import MappingNode, parse


def sample(path: Path) -> str:
    """The lines of an entry that says this key and what must stand beside it."""
    return "".join(f"{line}\n" for line in _lines(MODELS[Kind(path[0])], path[1:]))


def _lines(model: type[Key], path: Path) -> Iterator[str]:
    for name, info in fields(model).items():
        if name == path[0] and len(path) > 1:
            of = towards(shape(info), path[1])
            yield f"{name}:"
            yield from _within(of, example(info), list(_lines(holder(of, path[1]) or Key, path[1:])))
        elif name == path[0] or info.is_required():
            yield f"{name}: {example(info)}"


def _within(of: Shape, written: str, lines: list[str]) -> Iterator[str]:
    """The lines below a key: in a list they are its first item, in a mapping by names under one of them."""
    match of:
        case Many(item):
            first, *rest = _within(item, "", lines)
            yield f"  - {first.removeprefix('  ')}"
            yield from (f"  {line}" for line in rest)
        case Named(_, value):
            yield f"  {_first_name(written)}:"
            yield from (f"  {line}" for line in _within(value, "", lines))
        case _:
            yield from (f"  {line}" for line in lines)


def _first_name(written: str) -> str:
    root = parse("", written.encode()).root
    return next(iter(root.entries)) if isinstance(root, MappingNode) else "NAME"

"""What an edition says where the catalog does not, by the paths of the catalog's keys.

May import the catalog and the mesh.
"""

from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum

from meshctl.catalog.declared import Path
from meshctl.catalog.source import Kind
from meshctl.catalog.suits import means
from meshctl.mesh.edition import EDITIONS, WAVES

_SETTINGS = (
    (Kind.DEFAULTS.value, "service"),
    (Kind.DEFAULTS.value, "protocol"),
    (Kind.SERVICE.value,),
)
"""Where the catalog says what the edition's table says by protocol."""
_WAVES = (Kind.MESH.value, "waves")


def defaults(edition: str, path: Path) -> Mapping[str, str]:
    """The edition's own value of a key, as one would write it, by protocol; "" stands for all of them."""
    if path[:2] == _WAVES:
        return _said({"": WAVES[edition]}, path[2:])
    for above in _SETTINGS:
        if path[: len(above)] == above:
            rest = path[len(above) :]
            tables = EDITIONS[edition].items()
            return _said({one.value: table for one, table in tables if means(one, rest)}, rest)
    return {}


def _said(tables: Mapping[str, object], path: Path) -> Mapping[str, str]:
    found = {name: _at(table, path) for name, table in tables.items()}
    return {name: _text(value) for name, value in found.items() if value is not None}


def _at(table: object, path: Path) -> object:
    """The value that a path leads to; None where the edition has no such name, or more names below."""
    for step in path:
        table = getattr(table, step, getattr(table, f"{step}_", None))
    return None if is_dataclass(table) and not hasattr(table, "parse") else table


def _text(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return f"[{', '.join(map(_text, value))}]" if isinstance(value, tuple) else str(value)

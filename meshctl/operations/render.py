"""The exact resources of a view, decoded from the bytes that its nodes get.

May import all layers below.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from meshctl.envoy.decode import decode
from meshctl.names import SHORT_NAMES, ViewKey
from meshctl.operations.compile import WATCHED, Compiler
from meshctl.operations.load import load
from meshctl.snapshot import Resource

Rendered = Mapping[str, Sequence[dict[str, object]]]
"""Resources by the short name of their type, sorted by their names."""


class NotCompiled(Exception):
    """A view cannot be compiled: the catalog lacks what it stands for, or that is broken."""


def compiled(root: Path) -> Compiler:
    """A compiler of the catalog in `root`, which may have problems. Raises NoCatalog."""
    return Compiler(load(root, WATCHED))


def resources(compiler: Compiler, key: ViewKey) -> list[Resource]:
    """The resources of one view, by type and name. Raises NotCompiled."""
    if unknown := compiler.knows(key):
        raise NotCompiled(unknown)
    compiler.open(key)
    view = compiler.publish().view(key.name)
    if view is None:
        raise NotCompiled(f"{key.name} cannot be compiled; meshctl validate says what is wrong")
    order = list(SHORT_NAMES.values())
    return sorted(view.resources(), key=lambda found: (order.index(found.key.type), found.key.name))


def render(found: Sequence[Resource], types: Sequence[str] = tuple(SHORT_NAMES)) -> Rendered:
    """Decode resources, of these types only."""
    return {
        short: [decode(one.key.type, one.body) for one in found if one.key.type == SHORT_NAMES[short]]
        for short in SHORT_NAMES
        if short in types
    }

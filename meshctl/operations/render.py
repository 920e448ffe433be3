"""The exact resources of a view, decoded from the bytes that its nodes get.

May import all layers below.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from meshctl.envoy.decode import decode
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, TypeUrl, ViewKey
from meshctl.operations.compile import WATCHED, Compiler, view_keys
from meshctl.operations.load import load
from meshctl.snapshot import Resource

TYPES: Mapping[str, TypeUrl] = {"cds": CLUSTER, "eds": ENDPOINTS, "lds": LISTENER, "rds": ROUTES}
"""The types that are rendered, by the short names that people use, in the order of a request's way back."""

Rendered = Mapping[str, Sequence[dict[str, object]]]
"""Resources by the short name of their type, sorted by their names."""


class NotCompiled(Exception):
    """A view cannot be compiled: the catalog lacks what it stands for, or that is broken."""


def compiled(root: Path) -> Compiler:
    """A compiler of the catalog in `root`, which may have problems. Raises NoCatalog."""
    return Compiler(load(root, WATCHED))


def every_view(compiler: Compiler) -> list[ViewKey]:
    """The views of all services' sidecars and all gateways."""
    return view_keys(compiler.resolver)


def resources(compiler: Compiler, key: ViewKey) -> list[Resource]:
    """The resources of one view, by type and name. Raises NotCompiled."""
    if unknown := compiler.knows(key):
        raise NotCompiled(unknown)
    compiler.open(key)
    view = compiler.publish().view(key.name)
    if view is None:
        raise NotCompiled(f"{key.name} cannot be compiled; meshctl validate says what is wrong")
    order = list(TYPES.values())
    return sorted(view.resources(), key=lambda found: (order.index(found.key.type), found.key.name))


def render(found: Sequence[Resource], types: Sequence[str] = tuple(TYPES)) -> Rendered:
    """Decode resources, of these types only."""
    return {
        short: [decode(one.key.type, one.body) for one in found if one.key.type == TYPES[short]]
        for short in TYPES
        if short in types
    }

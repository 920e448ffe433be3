"""A catalog on disk, loaded and resolved: where commands start.

May import the catalog and the mesh; no protobuf.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from meshctl.catalog.folder import read_folder
from meshctl.catalog.source import read_source
from meshctl.graph import Rule
from meshctl.operations.resolve import Resolver


def load(root: Path, watched: Iterable[Rule[Any, Any]] = ()) -> Resolver:
    """All files of the catalog in `root`, resolved. Raises NoCatalog where there is no folder."""
    return resolved(read_folder(root), watched)


def resolved(texts: Mapping[str, bytes], watched: Iterable[Rule[Any, Any]] = ()) -> Resolver:
    """The files of a catalog, by their paths within it, resolved."""
    resolver = Resolver(watched)
    resolver.change({file: read_source(file, text) for file, text in texts.items()})
    return resolver

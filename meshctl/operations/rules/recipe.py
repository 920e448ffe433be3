"""A recipe: the cell that makes a resource.

May import the graph, names and snapshot.
"""

from collections.abc import Hashable
from typing import Any, NamedTuple

from meshctl.graph import Rule
from meshctl.names import ResourceKey
from meshctl.snapshot.resource import Resource


class Recipe(NamedTuple):
    """Which cell makes the resource of a key."""

    key: ResourceKey
    rule: Rule[Any, Resource | None]
    of: Hashable

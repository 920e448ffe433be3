"""What a server answers to `meshctl plan DIR`, in the shapes of its JSON.

Imports its neighbours.
"""

from typing import NotRequired, TypedDict

from meshctl.cli.answers import BrokenEntry, Guarded


class PlannedEntry(TypedDict):
    """A file that differs from what is served of it, and what would become of it."""

    sign: str
    file: str
    kind: str
    name: str
    outcome: str


class PlannedResource(TypedDict):
    """A resource that nodes of these views would be given otherwise."""

    sign: str
    type: str
    name: str
    impact: str
    fields: list[str]
    goes: str
    views: list[str]


class PlannedView(TypedDict):
    """How many connected nodes a view has, and the ids of the first of them."""

    view: str
    nodes: int
    ids: list[str]


class Planned(TypedDict):
    """What would come of a folder at a server."""

    revision: str
    live: str
    wanted: str
    impact: str
    entries: list[PlannedEntry]
    resources: list[PlannedResource]
    views: list[PlannedView]
    problems: list[BrokenEntry]
    guarded: NotRequired[Guarded]

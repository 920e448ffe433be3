"""What the mesh is computed from: the entries as they were read, by kind and name, and the teams.

May import the catalog and the graph.
"""

from dataclasses import dataclass

from meshctl.catalog.files import DefaultsFile, MeshFile
from meshctl.catalog.gateway import Gateway
from meshctl.catalog.service import Service
from meshctl.catalog.source import AnyEntry, Kind
from meshctl.graph import Look, Rule, Source


@dataclass(frozen=True, slots=True)
class Declared:
    """An entry and the file that declares it. A broken file still binds its name: then `entry` is None."""

    file: str
    team: str
    entry: AnyEntry | None


EntryName = tuple[Kind, str]

ENTRIES: Source[EntryName, tuple[Declared, ...]] = Source("entries")
"""All files that declare a name, by file; more than one is a conflict."""

TEAMS: Source[str, bool] = Source("teams")
"""True for the name of a team: a folder that has an entry."""

TEAM = "team"
"""What the names of teams are called among the kinds of names."""


def service_entry(look: Look, name: str) -> tuple[Declared, Service] | None:
    """The entry of a service that could be read; the first by file where several files claim the name."""
    for declared in look.given(ENTRIES, (Kind.SERVICE, name)) or ():
        if isinstance(declared.entry, Service):
            return declared, declared.entry
    return None


def gateway_entry(look: Look, name: str) -> tuple[Declared, Gateway] | None:
    """The entry of a gateway that could be read, as `service_entry`."""
    for declared in look.given(ENTRIES, (Kind.GATEWAY, name)) or ():
        if isinstance(declared.entry, Gateway):
            return declared, declared.entry
    return None


def mesh_file(look: Look) -> MeshFile | None:
    """What mesh.yaml says, or None where it is missing or broken."""
    for declared in look.given(ENTRIES, (Kind.MESH, Kind.MESH.value)) or ():
        if isinstance(declared.entry, MeshFile):
            return declared.entry
    return None


def defaults_file(look: Look) -> DefaultsFile | None:
    """What defaults.yaml says, or None where there is none."""
    for declared in look.given(ENTRIES, (Kind.DEFAULTS, Kind.DEFAULTS.value)) or ():
        if isinstance(declared.entry, DefaultsFile):
            return declared.entry
    return None


def _declared(look: Look, entry: EntryName) -> bool:
    return look.given(ENTRIES, entry) is not None


DECLARED: Rule[EntryName, bool] = Rule("declared", 1, _declared)
"""Whether any file, readable or not, binds a name; a cell, so that an edit of the entry stops here."""

"""One file of a catalog: which entry it holds, what is wrong with it, and where its parts stand.

Imports the catalog's modules and `names`. Pure: text in, a value out.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TypeAlias

from meshctl.catalog.files import DefaultsFile, MeshFile
from meshctl.catalog.folder import Unreadable
from meshctl.catalog.gateway import Gateway
from meshctl.catalog.problems import (
    MISPLACED,
    NO_ENTRY,
    NOT_READABLE,
    WRONG_KIND,
    WRONG_NAME,
    Mistake,
    near,
    shown,
)
from meshctl.catalog.service import Service
from meshctl.catalog.typed import typed
from meshctl.catalog.yaml import Document, MappingNode, Node, ScalarNode, SequenceNode, parse
from meshctl.names import is_name
from meshctl.problems import Place, Problem, Span


class Kind(Enum):
    """What an entry is: the key that says so, or the file's stem."""

    SERVICE = "service"
    GATEWAY = "gateway"
    MESH = "mesh"
    DEFAULTS = "defaults"


AnyEntry: TypeAlias = Service | Gateway | MeshFile | DefaultsFile

MODELS: dict[Kind, type[Service] | type[Gateway] | type[MeshFile] | type[DefaultsFile]] = {
    Kind.SERVICE: Service,
    Kind.GATEWAY: Gateway,
    Kind.MESH: MeshFile,
    Kind.DEFAULTS: DefaultsFile,
}
"""The keys of each kind of entry."""
_ROOT_KINDS = {"mesh": Kind.MESH, "defaults": Kind.DEFAULTS}
"""The files beside the teams' folders, by their stems."""
_TEAM_KINDS = (Kind.SERVICE, Kind.GATEWAY)
_KIND_LINE = re.compile(rb"^(service|gateway)[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """One file. `entry` is None where there are problems; name and kind are known as far as possible.

    `file` is the path within the catalog (`platform/voice.yaml`), `team` its folder. Positions take no part
    in equality: a comment more makes no source unequal.
    """

    file: str
    kind: Kind | None
    name: str
    team: str
    entry: AnyEntry | None
    problems: tuple[Problem, ...]
    text: bytes = field(default=b"", compare=False, repr=False)

    def locate(self, place: Place) -> Span:
        """Where a part stands; of a part that is not there, where the nearest one around it stands."""
        root = _document(self.file, self.text).root
        return Span(self.file, 1, 1) if root is None else _locate(self.file, root, place)


def read_source(file: str, text: bytes) -> Source:
    """Read one file. Never raises: whatever is wrong stands in its problems."""
    path = PurePosixPath(file)
    team = path.parts[0] if len(path.parts) > 1 else ""
    misplaced = tuple(mistake.problem(file) for mistake in _place_mistakes(path, team))
    if isinstance(text, Unreadable):
        fix = "make it a file that meshctl may read, or remove it"
        problem = Problem(NOT_READABLE, Span(file, 1, 1), f"the file {text.reason}", fix)
        return Source(file, _root_kind(path), path.stem, team, None, (problem, *misplaced))
    document = parse(file, text)
    kind, entry, mistakes = _entry(path, document)
    if entry is None and kind is None and document.root is None:
        kind = _guess(path, text)
    problems = (*document.problems, *misplaced, *(mistake.problem(file) for mistake in mistakes))
    return Source(file, kind, path.stem, team, None if problems else entry, problems, text)


def _entry(path: PurePosixPath, document: Document) -> tuple[Kind | None, AnyEntry | None, list[Mistake]]:
    root = document.root
    if root is None:
        return None, None, []
    if not isinstance(root, MappingNode):
        fix = "write the keys of the entry, such as service: NAME"
        return _root_kind(path), None, [Mistake(NO_ENTRY, "the file is not a mapping of keys", fix)]
    kind = _root_kind(path)
    if kind is None:
        found = [kind for kind in _TEAM_KINDS if kind.value in root.entries]
        if len(found) != 1:
            return None, None, [_no_kind(path.stem, root, found)]
        kind = found[0]
    entry, mistakes = typed(MODELS[kind], root)
    return kind, entry, mistakes + _name_mistakes(kind, path.stem, root)


def _root_kind(path: PurePosixPath) -> Kind | None:
    return _ROOT_KINDS.get(path.stem) if len(path.parts) == 1 else None


def _no_kind(stem: str, root: MappingNode, found: list[Kind]) -> Mistake:
    if found:
        message = "the entry has both of the keys service and gateway"
        fix = "keep one of the two, and write the other entry in a file of its own"
        other = (found[0].value,)
        return Mistake(WRONG_KIND, message, fix, (found[1].value,), on_key=True, also=(other,))
    message = "the entry has none of the keys service and gateway, so its kind is unknown"
    if stem in _ROOT_KINDS:
        return Mistake(WRONG_KIND, message, f"move the file to {stem}.yaml beside the teams' folders")
    kinds = tuple(kind.value for kind in _TEAM_KINDS)
    for key in list(root.entries)[:20]:
        if close := near(key, kinds):
            fix = f"write {close!r} instead of {shown(key)}"
            return Mistake(WRONG_KIND, message, fix, (key,), on_key=True)
    return Mistake(WRONG_KIND, message, f"add service: {stem}")


def _name_mistakes(kind: Kind, stem: str, root: MappingNode) -> list[Mistake]:
    """The entry's name is that of its file; a name of a wrong form is told by its type already."""
    if kind not in _TEAM_KINDS:
        return []
    name = root.entries[kind.value][1]
    if not isinstance(name, ScalarNode) or not is_name(name.text) or name.text == stem:
        return []
    message = f"the {kind.value} is named {shown(name.text)}, and its file {shown(stem)}"
    rename = f"rename the file to {name.text}.yaml"
    fix = f"write {kind.value}: {stem}, or {rename}" if is_name(stem) else rename
    return [Mistake(WRONG_NAME, message, fix, (kind.value,))]


def _place_mistakes(path: PurePosixPath, team: str) -> list[Mistake]:
    mistakes = []
    name = f"{path.stem}.yaml"
    if path.suffix != ".yaml":
        mistakes.append(Mistake(MISPLACED, f"the file ends in {shown(path.suffix)}", f"rename it to {name}"))
    if len(path.parts) == 1 and _root_kind(path) is None:
        fix = f"move it into its team's folder, such as platform/{name}"
        mistakes.append(Mistake(MISPLACED, "the file stands beside the teams' folders, not in one", fix))
    elif len(path.parts) > 2:
        message = f"the file stands too deep: the folder {shown(team)} is its team"
        mistakes.append(Mistake(MISPLACED, message, f"move it to {team}/{name}"))
    if team and not is_name(team):
        message = f"the folder {shown(team)} is not the name of a team"
        fix = "rename it: a name has a-z, 0-9 and '-' within, at most 63 of them"
        mistakes.append(Mistake(MISPLACED, message, fix))
    return mistakes


def _guess(path: PurePosixPath, text: bytes) -> Kind | None:
    """The kind of a file that is no YAML: a broken entry still binds its name."""
    found = _KIND_LINE.search(text)
    return _root_kind(path) or (Kind(found[1].decode()) if found else None)


@lru_cache(maxsize=4)
def _document(file: str, text: bytes) -> Document:
    """The nodes again: kept for no file, since lines are asked for when something is wrong."""
    return parse(file, text)


def _locate(file: str, root: Node, place: Place) -> Span:
    node, key = root, None
    for step in place.path:
        if isinstance(node, MappingNode) and step in node.entries:
            key, node = node.entries[str(step)]
        elif isinstance(node, SequenceNode) and isinstance(step, int) and 0 <= step < len(node.items):
            key, node = None, node.items[step]
        else:
            return Span(file, node.line, node.column)
    at = key if place.on_key and key is not None else node
    return Span(file, at.line, at.column)

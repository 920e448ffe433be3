"""How parts, resources and views look as rows of the last good state, and back.

May import `names`. A resource that is read is hashed again: bytes that are not those of their version are
never served.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from rpds import HashTrieMap

from meshctl.names import Ref, ResourceKey, TypeUrl
from meshctl.snapshot.contents import ALIKE, Contents, Held, Overlay
from meshctl.snapshot.encode import assemble
from meshctl.snapshot.resource import Part, Resource
from meshctl.snapshot.view import Snapshot, Tombstone, View

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value NUMERIC NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (file TEXT PRIMARY KEY, text BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE parts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, body BLOB NOT NULL, needs TEXT NOT NULL);
CREATE TABLE resources (
    id INTEGER PRIMARY KEY, type TEXT NOT NULL, name TEXT NOT NULL, variant TEXT NOT NULL,
    version TEXT NOT NULL, head BLOB NOT NULL, parts TEXT NOT NULL, needs TEXT NOT NULL,
    empty INTEGER NOT NULL, by_name INTEGER NOT NULL, address TEXT NOT NULL
);
CREATE TABLE served (resource INTEGER PRIMARY KEY);
CREATE TABLE views (
    name TEXT PRIMARY KEY, keys TEXT NOT NULL, tombstones TEXT NOT NULL, frozen INTEGER NOT NULL,
    contents TEXT NOT NULL, held TEXT NOT NULL
) WITHOUT ROWID;
"""

NAMES = ("meta", "entries", "parts", "resources", "served", "views")

Row = tuple[str | int | bytes, ...]
V = TypeVar("V")


class Damaged(Exception):
    """The rows do not make a whole: a resource is missing, or its bytes are not those of its version."""


def part_row(number: int, part: Part) -> Row:
    """A part as a row of `parts`."""
    return (number, part.name, part.body, _json(part.needs))


def resource_row(number: int, resource: Resource, parts: Sequence[int]) -> Row:
    """A resource as a row of `resources`; `parts` are the ids of its parts."""
    content = (*resource.key, resource.version, resource.head, _json(parts), _json(resource.needs))
    return (number, *content, resource.empty, resource.by_name, resource.address)


def view_row(view: View, number: Mapping[Resource, int]) -> Row:
    """A view as a row of `views`; `number` gives the id of each resource that only the view itself holds."""
    stones = [(number[stone.resource], stone.revision) for stone in view.tombstones.values()]
    contents = view.contents
    settled, leading, before, beside = (
        [(*ref, _id(one, number)) for ref, one in overlay.items()] for overlay in _overlays(contents)
    )
    about = [] if contents == ALIKE else [settled, leading, before, sorted(contents.leaders)]
    back = [
        (*ref, one.version, _id(one.kept, number), one.reason, one.since, sorted(one.nodes), one.silent)
        for ref, one in contents.held.items()
    ]
    held = [back, beside] if back else []
    return (view.name, _json(view.keys.values()), _json(stones), view.frozen, _json(about), _json(held))


def _id(resource: Resource | None, number: Mapping[Resource, int]) -> int | None:
    return None if resource is None else number[resource]


def own_resources(view: View) -> Iterator[Resource]:
    """The resources that a view holds itself, whether or not they are served: lost ones, and older ones."""
    yield from (stone.resource for stone in view.tombstones.values())
    contents = view.contents
    for overlay in _overlays(contents):
        yield from (one for one in overlay.values() if one is not None)
    yield from (one.kept for one in contents.held.values() if one.kept is not None)


def _overlays(contents: Contents) -> tuple[Overlay, ...]:
    """In the order of their row."""
    return (contents.settled, contents.leading, contents.before, contents.beside)


def read_parts(database: sqlite3.Connection) -> dict[int, Part]:
    """All parts, by id."""
    found = database.execute("SELECT id, name, body, needs FROM parts")
    return {number: Part(name, body, _refs(needs)) for number, name, body, needs in found}


def read_resources(database: sqlite3.Connection, parts: Mapping[int, Part]) -> dict[int, Resource]:
    """All resources, by id. Raises Damaged when the bytes of one are not those of its version."""
    found = database.execute("SELECT * FROM resources")
    return {number: _resource(content, parts) for number, *content in found}


def read_snapshot(database: sqlite3.Connection, revision: int, resources: Mapping[int, Resource]) -> Snapshot:
    """The resources that are served and all views. Raises Damaged when a view lacks one of its resources."""
    served = [_at(resources, number) for (number,) in database.execute("SELECT resource FROM served")]
    table = {resource.key: resource for resource in served}
    views = [_view(row, resources) for row in database.execute("SELECT * FROM views")]
    for view in views:
        if lost := [key.name for key in view.keys.values() if key not in table]:
            raise Damaged(f"{view.name} lacks {lost[0]}")
    return Snapshot(revision, HashTrieMap(table), HashTrieMap({view.name: view for view in views}))


def _resource(content: Sequence[object], parts: Mapping[int, Part]) -> Resource:
    url, name, variant, version, head, of, needs, empty, by_name, address = content
    if not isinstance(head, bytes):
        raise Damaged(f"{name} has no bytes")
    resource = assemble(
        ResourceKey(TypeUrl(str(url)), str(name), str(variant)),
        head,
        [_at(parts, number) for number in json.loads(str(of))],
        _refs(str(needs)),
        empty=bool(empty),
        by_name=bool(by_name),
        address=str(address),
    )
    if resource.version != version:
        raise Damaged(f"the bytes of {name} are not those of version {version}")
    return resource


def _view(row: tuple[str, str, str, int, str, str], resources: Mapping[int, Resource]) -> View:
    name, keys_text, tombstones_text, frozen, contents_text, held_text = row
    keys = [ResourceKey(TypeUrl(url), known, variant) for url, known, variant in json.loads(keys_text)]
    stones = [Tombstone(_at(resources, number), since) for number, since in json.loads(tombstones_text)]
    by_ref = {stone.resource.ref: stone for stone in stones}
    contents = _contents(json.loads(contents_text), json.loads(held_text), resources)
    return View(name, {key.ref: key for key in keys}, by_ref, frozen=bool(frozen), contents=contents)


def _contents(
    about: Sequence[Sequence[Any]], held: Sequence[Sequence[Any]], resources: Mapping[int, Resource]
) -> Contents:
    if not about:
        return ALIKE
    *overlays, leaders = about
    settled, leading, before = (_overlay(rows, resources) for rows in overlays)
    contents = Contents(settled, leading, before, frozenset(leaders))
    if not held:
        return contents
    back, beside = held
    found = {
        Ref(TypeUrl(url), name): Held(
            version, _kept(number, resources), reason, since, frozenset(nodes), silent=any(silent)
        )
        for url, name, version, number, reason, since, nodes, *silent in back  # none before schema 4
    }
    return replace(contents, held=found, beside=_overlay(beside, resources))


def _overlay(rows: Sequence[Any], resources: Mapping[int, Resource]) -> Overlay:
    return {Ref(TypeUrl(url), name): _kept(number, resources) for url, name, number in rows}


def _kept(number: int | None, resources: Mapping[int, Resource]) -> Resource | None:
    return None if number is None else _at(resources, number)


def _at(known: Mapping[int, V], number: int) -> V:
    if number not in known:
        raise Damaged(f"row {number} is missing")
    return known[number]


def _json(values: Iterable[object]) -> str:
    return json.dumps(list(values), separators=(",", ":"))


def _refs(text: str) -> tuple[Ref, ...]:
    return tuple(Ref(TypeUrl(url), name) for url, name in json.loads(text))

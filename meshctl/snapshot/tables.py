"""The tables of the last good state: which rows a change of texts, resources and views writes.

May import `names`. What several resources or views share is one row, counted in memory, so that a virtual
host in thousands of route tables is written once.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from meshctl.names import ResourceKey
from meshctl.snapshot import rows
from meshctl.snapshot.resource import Part, Resource
from meshctl.snapshot.view import Snapshot, View

V = TypeVar("V")


class Shared(Generic[V]):
    """Values that stand in one table once each, however many hold them."""

    def __init__(
        self, write: Callable[[int, V], None], delete: Callable[[int, V], None], known: Mapping[int, V]
    ) -> None:
        self._write = write
        self._delete = delete
        self._ids = {value: number for number, value in known.items()}
        self._holders = dict.fromkeys(known, 0)
        self._next = max(known, default=0) + 1

    def hold(self, value: V) -> int:
        """One more holds `value`; the first one writes its row. Returns the row's id."""
        number = self._ids.get(value)
        if number is None:
            number = self._ids[value] = self._next
            self._next += 1
            self._holders[number] = 0
            self._write(number, value)
        self._holders[number] += 1
        return number

    def drop(self, value: V) -> int:
        """One fewer holds `value`; the last one deletes its row. Returns the id that it had."""
        number = self._ids[value]
        self._holders[number] -= 1
        if not self._holders[number]:
            del self._ids[value], self._holders[number]
            self._delete(number, value)
        return number


class Tables:
    """Reads and writes one database; whoever calls begins and ends the transactions."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._share({}, {})

    def read(self, revision: int) -> Snapshot:
        """The snapshot that the tables hold. Raises Damaged, sqlite3.Error, ValueError."""
        parts = rows.read_parts(self._database)
        resources = rows.read_resources(self._database, parts)
        snapshot = rows.read_snapshot(self._database, revision, resources)
        self._share(parts, resources)
        for resource in resources.values():
            for part in resource.parts:
                self._parts.hold(part)
        for resource in _resources_of(snapshot):
            self._resources.hold(resource)
        return snapshot

    def read_texts(self) -> dict[str, bytes]:
        """The entry texts, by file."""
        return dict(self._database.execute("SELECT file, text FROM entries"))

    def clear(self) -> None:
        """Delete every row."""
        for table in rows.NAMES:
            self._database.execute(f"DELETE FROM {table}")
        self._share({}, {})

    def write_texts(self, texts: Mapping[str, bytes | None]) -> None:
        """Write the entry texts; None deletes one."""
        for file, text in texts.items():
            if text is None:
                self._database.execute("DELETE FROM entries WHERE file = ?", (file,))
            else:
                self._database.execute("INSERT OR REPLACE INTO entries VALUES (?, ?)", (file, text))

    def write_resources(self, keys: Iterable[ResourceKey], old: Snapshot, new: Snapshot) -> None:
        """Write the resources of these keys as `new` has them, in place of those that `old` had."""
        for key in keys:
            before, after = old.resources.get(key), new.resources.get(key)
            number = None if after is None else self._resources.hold(after)
            if before is not None:
                gone = self._resources.drop(before)
                self._database.execute("DELETE FROM served WHERE resource = ?", (gone,))
            if number is not None:
                self._database.execute("INSERT INTO served VALUES (?)", (number,))

    def write_views(self, names: Iterable[str], old: Snapshot, new: Snapshot) -> None:
        """Write the views of these names as `new` has them, in place of those that `old` had."""
        for name in names:
            before, after = old.views.get(name), new.views.get(name)
            if after is None:
                self._database.execute("DELETE FROM views WHERE name = ?", (name,))
            else:
                self._write_view(after)
            for resource in rows.own_resources(before) if before else ():
                self._resources.drop(resource)

    def write_meta(self, values: Mapping[str, float]) -> None:
        """Write the numbers that describe the whole."""
        self._database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def _share(self, parts: Mapping[int, Part], resources: Mapping[int, Resource]) -> None:
        self._parts = Shared[Part](self._insert_part, self._delete_part, parts)
        self._resources = Shared[Resource](self._insert_resource, self._delete_resource, resources)

    def _write_view(self, view: View) -> None:
        numbers = {resource: self._resources.hold(resource) for resource in rows.own_resources(view)}
        self._insert("views", rows.view_row(view, numbers))

    def _insert_resource(self, number: int, resource: Resource) -> None:
        parts = [self._parts.hold(part) for part in resource.parts]
        self._insert("resources", rows.resource_row(number, resource, parts))

    def _delete_resource(self, number: int, resource: Resource) -> None:
        for part in resource.parts:
            self._parts.drop(part)
        self._database.execute("DELETE FROM resources WHERE id = ?", (number,))

    def _insert_part(self, number: int, part: Part) -> None:
        self._insert("parts", rows.part_row(number, part))

    def _delete_part(self, number: int, _part: Part) -> None:
        self._database.execute("DELETE FROM parts WHERE id = ?", (number,))

    def _insert(self, table: str, row: rows.Row) -> None:
        self._database.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def _resources_of(snapshot: Snapshot) -> Iterator[Resource]:
    yield from snapshot.resources.values()
    for view in snapshot.views.values():
        yield from rows.own_resources(view)

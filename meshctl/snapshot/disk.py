"""The last good state on disk: entry texts, resources and views, and when they were last known current.

May import `names`. One SQLite file in a folder that one server owns. Each save is one transaction with the
rows that changed since the last, so that a kill at any point leaves a whole state. It waits for the disk: a
server calls it from a thread of its own, one call after the other.
"""

import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from meshctl.names import ResourceKey
from meshctl.snapshot.database import UNREADABLE, opened, prepare
from meshctl.snapshot.folder import NoSpace, StateUnavailable, held, identity
from meshctl.snapshot.tables import Tables
from meshctl.snapshot.view import Snapshot

_FILE = "state.sqlite"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """What was saved last. `current_at`: when it was last known to be current, in seconds of the epoch."""

    texts: Mapping[str, bytes]
    snapshot: Snapshot
    current_at: float


def read_state(directory: Path) -> State | None:
    """What is kept in `directory` now, for a look: a server may have it open, and nothing is written.

    None where nothing is kept. Raises StateUnavailable where it cannot be read, or not by this meshctl.
    """
    file = (directory / _FILE).resolve()
    if not file.is_file():
        return None
    try:
        with (
            closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as kept,
            closing(sqlite3.connect(":memory:", isolation_level=None)) as copy,
        ):
            kept.backup(copy)  # as of one moment; and what an older meshctl wrote is brought up in the copy
            prepare(copy)
            return _read(copy)[1]
    except UNREADABLE as error:
        raise StateUnavailable(f"cannot read {file}: {error}") from error


class Disk:
    """The state's file, open and locked; `state` is what it held when it was opened, None if nothing."""

    def __init__(self, directory: Path) -> None:
        """Nothing is opened yet."""
        self._directory, self._file = directory, directory / _FILE
        self._lock: int | None = None
        self._opened = self._on_disk()
        self._texts: dict[str, bytes] = {}
        self._saved = Snapshot()
        self._whole = True  # whether memory and file agree: not after a save that failed
        self.state: State | None = None

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Open the state in `directory`, which is made if need be, for its owner alone and not for git.

        A file that cannot be read, or is of a newer meshctl, is moved aside, and the log says so. Where there
        is no space for a file, each save tries again to make one. Raises StateUnavailable.
        """
        disk = cls(directory)
        try:
            disk.state = disk._begin()
        except NoSpace as error:
            log.error("state cannot be kept yet: reason=%r", str(error))
        else:
            if disk.state is not None:
                disk._texts, disk._saved = dict(disk.state.texts), disk.state.snapshot
        return disk

    def save(self, texts: Mapping[str, bytes | None], snapshot: Snapshot, now: float) -> None:
        """Write the entry texts that changed (None: gone) and what `snapshot` changed since the last one.

        `snapshot` descends from the one that was loaded or saved last. `now` is in seconds of the epoch.
        Raises sqlite3.Error or StateUnavailable; the next save then writes everything.
        """
        self._note(texts)
        if self.is_gone():
            log.error("state was removed: file=%r", str(self._file))
            self.close()
        if self._lock is None:
            self._whole = False
            self._begin()
        with self._transaction():
            if not self._whole:
                self._tables.clear()
                self._saved = Snapshot()
                texts = self._texts
            resources, views = _changed(self._saved, snapshot)
            self._tables.write_texts(texts)
            self._tables.write_resources(resources, self._saved, snapshot)
            self._tables.write_views(views, self._saved, snapshot)
            self._tables.write_meta({"revision": snapshot.revision, "current_at": now})
        self._saved = snapshot

    def stamp(self, now: float) -> None:
        """Note that what is saved is current at `now`, in seconds of the epoch. Raises sqlite3.Error."""
        self._database.execute("UPDATE meta SET value = ? WHERE name = 'current_at'", (now,))

    def is_gone(self) -> bool:
        """Whether the open file, or its lock, is no longer the one in the folder: what is written is lost."""
        return self._lock is not None and self._on_disk() != self._opened

    def close(self) -> None:
        """Close the file and let another server have the folder."""
        if self._lock is not None:
            self._database.close()
            os.close(self._lock)
            self._lock = None

    def _begin(self) -> State | None:
        """Take the folder, open the file, and return what is in it."""
        lock = held(self._directory)
        try:
            self._database, (self._tables, state) = opened(self._file, _read)
        except BaseException:
            os.close(lock)
            raise
        self._lock, self._opened = lock, self._on_disk()
        return state

    def _on_disk(self) -> tuple[object, object]:
        return identity(self._directory), identity(self._directory, _FILE)

    def _note(self, texts: Mapping[str, bytes | None]) -> None:
        for file, text in texts.items():
            if text is None:
                self._texts.pop(file, None)
            else:
                self._texts[file] = text

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except BaseException:
            self._whole = False
            with suppress(sqlite3.Error):  # the error that led here says more
                self._database.execute("ROLLBACK")
            raise
        self._whole = True


def _read(database: sqlite3.Connection) -> tuple[Tables, State | None]:
    tables = Tables(database)
    meta = dict(database.execute("SELECT name, value FROM meta"))
    if not meta:
        return tables, None
    snapshot = tables.read(int(meta["revision"]))
    return tables, State(tables.read_texts(), snapshot, float(meta["current_at"]))


def _changed(old: Snapshot, new: Snapshot) -> tuple[set[ResourceKey], set[str]]:
    changes = new.changes(old.revision)
    if changes is not None:
        resources = {key for change in changes for key in change.resources}
        return resources, {name for change in changes for name in change.views}
    keys = {*old.resources.keys(), *new.resources.keys()}
    names = {*old.views.keys(), *new.views.keys()}
    return (
        {key for key in keys if old.resources.get(key) != new.resources.get(key)},
        {name for name in names if old.views.get(name) is not new.views.get(name)},
    )

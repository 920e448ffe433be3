"""The last good state on disk: entry texts, resources and views, and when they were last known current.

May import `names`. One SQLite file in a folder that one server owns. Each save is one transaction with the
rows that changed since the last, so that a kill at any point leaves a whole state. It waits for the disk: a
server calls it from a thread of its own, one call after the other.
"""

import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from meshctl.names import ResourceKey
from meshctl.snapshot.rows import TABLES, Damaged
from meshctl.snapshot.tables import Tables
from meshctl.snapshot.view import Snapshot

SCHEMA = 1
"""Raised with every change of the tables that an older meshctl could not read."""

_FILE = "state.sqlite"
_LOCK = "lock"
_COMPANIONS = ("", "-wal", "-shm")

# What the machine does not allow now says nothing against the file: it stays where it is.
_MACHINE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}

log = logging.getLogger(__name__)


class StateUnavailable(Exception):
    """The folder cannot be used now: another server has it, or the machine does not let us write there."""


@dataclass(frozen=True, slots=True)
class State:
    """What was saved last. `current_at`: when it was last known to be current, in seconds of the epoch."""

    texts: Mapping[str, bytes]
    snapshot: Snapshot
    current_at: float


class Disk:
    """The state's file, open and locked; `state` is what it held when it was opened, None if nothing."""

    def __init__(self, directory: Path, lock: int) -> None:
        self._file = directory / _FILE
        self._lock = lock
        self._texts: dict[str, bytes] = {}
        self._saved = Snapshot()
        self._whole = True  # whether memory and file agree: not after a save that failed
        self.state = self._open()

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Open the state in `directory`, which is made if need be, for its owner alone and not for git.

        A file that cannot be read, or is of a newer meshctl, is moved aside, and the log says so.
        Raises StateUnavailable.
        """
        try:
            if not directory.is_dir():
                directory.mkdir(mode=0o700, parents=True)
                (directory / ".gitignore").write_text("*\n", encoding="utf-8")  # state is nobody's source
            lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            why = f"{error.strerror}; name another folder with --state DIR"
            raise StateUnavailable(f"cannot keep the state in {directory}: {why}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, b"%d\n" % os.getpid(), 0)  # for whoever finds it locked
            return cls(directory, lock)
        except BaseException as error:
            owner = os.pread(lock, 20, 0).decode(errors="replace").strip()
            os.close(lock)
            if isinstance(error, BlockingIOError):
                who = f"another meshctl serve{f' (pid {owner})' if owner else ''}"
                where = f"runs on this catalog, with its state in {directory}"
                raise StateUnavailable(f"{who} {where}; see it with: meshctl fleet list") from None
            raise

    def save(self, texts: Mapping[str, bytes | None], snapshot: Snapshot, now: float) -> None:
        """Write the entry texts that changed (None: gone) and what `snapshot` changed since the last one.

        `snapshot` descends from the one that was loaded or saved last. `now` is in seconds of the epoch.
        Raises sqlite3.Error; the next save then writes everything.
        """
        self._note(texts)
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

    def close(self) -> None:
        """Close the file and let another server have the folder."""
        self._database.close()
        os.close(self._lock)

    def _open(self) -> State | None:
        try:
            return self._load()
        except (sqlite3.DatabaseError, Damaged, LookupError, ValueError, TypeError) as error:
            if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _MACHINE:
                raise StateUnavailable(f"cannot use {self._file}: {error}") from error
            self._database.close()
            self._move_aside(error)
        return self._load()

    def _load(self) -> State | None:
        # Transactions are begun by hand; calls come from one thread at a time, not always the same.
        self._database = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
        _prepare(self._database)
        self._tables = Tables(self._database)
        meta = dict(self._database.execute("SELECT name, value FROM meta"))
        if not meta:
            return None
        self._saved = self._tables.read(int(meta["revision"]))
        self._texts = self._tables.read_texts()
        return State(dict(self._texts), self._saved, float(meta["current_at"]))

    def _move_aside(self, error: Exception) -> None:
        aside = f"{self._file}.aside"
        for companion in _COMPANIONS:
            with suppress(FileNotFoundError):
                os.replace(f"{self._file}{companion}", f"{aside}{companion}")
        log.error("state not usable: moved_to=%r reason=%r", str(aside), str(error))

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


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    (schema,) = database.execute("PRAGMA user_version").fetchone()
    if schema == 0:
        database.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")
    elif schema != SCHEMA:
        raise Damaged(f"its schema is {schema}, and this meshctl reads {SCHEMA}")


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

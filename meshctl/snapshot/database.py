"""The file of the last good state as a database: opened, brought up to date, and set aside if damaged.

Imports its neighbours and sqlite3. What the rows mean is known in `rows` and `tables`.
"""

import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from meshctl.snapshot.folder import NoSpace, StateUnavailable
from meshctl.snapshot.rows import TABLES, Damaged

SCHEMA = 4
"""Raised with every change of the tables that an older meshctl could not read."""

UNREADABLE = (sqlite3.Error, Damaged, LookupError, ValueError, TypeError)
"""What reading raises where the rows are not what this meshctl wrote."""

_UPGRADES = {
    1: "ALTER TABLE views ADD COLUMN contents TEXT NOT NULL DEFAULT '[]'",
    2: "ALTER TABLE views ADD COLUMN held TEXT NOT NULL DEFAULT '[]'",
    3: "",  # what is held back says one thing more, and is read without it
}
"""What makes tables of a schema those of the next one."""

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

_PAGE = 4096  # what SQLite writes before there is a table
_NO_SHARED_MEMORY = sqlite3.SQLITE_IOERR_SHMSIZE

log = logging.getLogger(__name__)

T = TypeVar("T")


def opened(file: Path, read: Callable[[sqlite3.Connection], T]) -> tuple[sqlite3.Connection, T]:
    """The open database, and what `read` makes of it.

    A file that cannot be read, or is of a newer meshctl, is moved aside, and a new one is begun. Raises
    StateUnavailable, NoSpace.
    """
    try:
        return _open_somehow(file, read)
    except UNREADABLE as error:
        _check_machine(file, error)
        _move_aside(file, error)
    return _open(file, read)


def prepare(database: sqlite3.Connection) -> None:
    """Make the tables, or bring up those of an older meshctl. Raises Damaged for those of a newer one.

    Also for a page that is not what it should be: it may read as nothing, and refuse every save.
    """
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    (schema,) = database.execute("PRAGMA user_version").fetchone()
    if schema == 0:
        database.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")
    elif schema > SCHEMA:
        raise Damaged(f"its schema is {schema}, and this meshctl reads {SCHEMA}")
    for older in range(schema, SCHEMA) if schema else ():
        upgrade = f"{_UPGRADES[older]}; PRAGMA user_version = {older + 1};"
        database.executescript(f"BEGIN IMMEDIATE; {upgrade} COMMIT;")
    (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise Damaged(str(found))


def _open_somehow(file: Path, read: Callable[[sqlite3.Connection], T]) -> tuple[sqlite3.Connection, T]:
    try:
        return _open(file, read)
    except sqlite3.OperationalError as error:
        if _code(error) != _NO_SHARED_MEMORY:
            raise
    # A full disk has no room for the memory that SQLite shares with who else may read the file.
    return _open(file, read, locking="EXCLUSIVE")


def _open(
    file: Path, read: Callable[[sqlite3.Connection], T], locking: str = "NORMAL"
) -> tuple[sqlite3.Connection, T]:
    # Transactions are begun by hand; calls come from one thread at a time, not always the same.
    database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        database.execute(f"PRAGMA locking_mode = {locking}")
        prepare(database)
        return database, read(database)
    except BaseException:
        database.close()
        raise


def _check_machine(file: Path, error: Exception) -> None:
    """Raises StateUnavailable, NoSpace where the error says nothing against the file."""
    code = _code(error) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) and _is_empty(file):
        raise NoSpace(f"cannot use {file}: {error}") from error
    if code in _MACHINE:
        raise StateUnavailable(f"cannot use {file}: {error}") from error


def _code(error: Exception) -> int:
    """SQLite's own code of an error; 0 for those that it did not make, such as text that is no UTF-8."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code


def _is_empty(file: Path) -> bool:
    """Whether there is nothing in the file that would be lost by starting without it."""
    return not file.exists() or file.stat().st_size <= _PAGE


def _move_aside(file: Path, error: Exception) -> None:
    aside = f"{file}.aside"
    for companion in _COMPANIONS:
        with suppress(FileNotFoundError):
            os.replace(f"{file}{companion}", f"{aside}{companion}")
    log.error("state not usable: moved_to=%r reason=%r", aside, str(error))

"""The folder of the last good state: made, and held by one server at a time.

Imports the standard library.
"""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

_LOCK = "lock"
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


class StateUnavailable(Exception):
    """The folder cannot be used now: another server has it, or the machine does not let us write there."""


class NoSpace(StateUnavailable):
    """The disk is full: there may be space again later."""


def identity(directory: Path, file: str = _LOCK) -> tuple[int, int] | None:
    """What tells the folder's lock, or another file of it, from one that takes its place; None: not there."""
    try:
        found = (directory / file).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def held(directory: Path) -> int:
    """Take the folder, which is made if need be, for its owner alone and not for git.

    Returns the open lock; closing it lets go of the folder. Raises StateUnavailable, NoSpace.
    """
    try:
        if not directory.is_dir():
            directory.mkdir(mode=0o700, parents=True)
            with suppress(OSError):  # state is nobody's source; without space that is the least
                (directory / ".gitignore").write_text("*\n", encoding="utf-8")
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        why = f"cannot keep the state in {directory}: {error.strerror}"
        if error.errno in _NO_SPACE:
            raise NoSpace(why) from error
        raise StateUnavailable(f"{why}; name another folder with --state DIR") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(lock, 20, 0).decode(errors="replace").strip()
        os.close(lock)
        who = f"another meshctl serve{f' (pid {owner})' if owner else ''}"
        where = f"runs on this catalog, with its state in {directory}"
        raise StateUnavailable(f"{who} {where}; see it with: meshctl fleet list") from None
    with suppress(OSError):  # for whoever finds it locked
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    return lock

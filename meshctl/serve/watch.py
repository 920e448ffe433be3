"""The catalog's folder on disk: what it holds, and in batches what changed.

May import the catalog's folder and watchfiles. Files that the system names are read; where its events cannot
tell (a folder moved, a link swapped, the catalog itself replaced, nothing can be watched) all files are
looked at, and those that look different are read.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping
from pathlib import Path

from watchfiles import Change, awatch
from watchfiles._rust_notify import WatchfilesRustInternalError

from meshctl.catalog.folder import MESH_FILE, NoCatalog, is_entry, list_files, read_file

log = logging.getLogger(__name__)

SILENCE_MS = 50
"""A batch is read when nothing has changed for so long: an editor's write and rename are one change."""

LATEST_MS = 200
"""A batch is read at the latest so long after its first change, however busy the folder is."""

_LOOK_MS = 5_000
"""After so long without an event all files are looked at (a stat each): some file systems tell nothing."""

_ABSENT_S = 0.2  # between two looks for a folder that is not there

_Looks = tuple[int, ...] | None
_MODIFIED = 3  # where a file's time stands in its looks, in ns


class Watch:
    """What was read last of one catalog's folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts: dict[str, bytes] = {}
        self._looks: dict[str, _Looks] = {}
        self._told = ""

    def look(self) -> dict[str, bytes | None]:
        """Look at every file and read those that look different; at first all. None: gone.

        A folder that is not there has no files. Raises NoCatalog where one cannot be listed.
        """
        return self._read({*list_files(self._root), *self._texts}, changed_only=True)

    def lacks(self) -> str:
        """What is missing of a folder in which nothing can be served."""
        return (
            f"the catalog has no {MESH_FILE}" if os.path.isdir(self._root) else f"{self._root} is not there"
        )

    async def batches(self) -> AsyncGenerator[Mapping[str, bytes | None], None]:
        """What changed since it was last read: never an empty batch, and no end.

        The folder may go and come back; while a part of it cannot be listed or watched, the log says so.
        """
        while True:
            try:
                async for batch in self._seen():
                    if batch:
                        yield batch
            except NoCatalog as error:  # what cannot be listed must not look deleted
                if self._is_new(str(error)):
                    log.error("catalog not read: reason=%r", str(error))
            await asyncio.sleep(_ABSENT_S)

    async def _seen(self) -> AsyncIterator[dict[str, bytes | None]]:
        """Batches for as long as the folder can be watched, and what a look at it finds then."""
        try:
            async for batch in self._watched():
                yield batch
        except* (OSError, WatchfilesRustInternalError) as errors:
            # The folder went while it was about to be watched, the system watches no more files, or one was
            # touched whose name is no text: until it can be watched again, files are looked at.
            if _identity(self._root) is not None:
                why = str(errors.exceptions[0])
                if self._is_new(why):
                    log.error("catalog not watched: reason=%r", why)
        yield await asyncio.to_thread(self.look)

    def _is_new(self, words: str) -> bool:
        """Whether this is not what was told last."""
        before, self._told = self._told, words
        return before != words

    async def _watched(self) -> AsyncIterator[dict[str, bytes | None]]:
        """Batches for as long as the folder is the one that is watched."""
        which = _identity(self._root)
        if which is None:
            return
        real = await asyncio.to_thread(
            os.path.realpath, self._root
        )  # as some systems name it in their events
        events = awatch(
            real,
            watch_filter=None,
            debounce=LATEST_MS,
            step=SILENCE_MS,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        coming = asyncio.ensure_future(anext(events))
        try:
            await asyncio.sleep(
                0
            )  # now it watches: what changed before is looked for, what changes after is told
            yield await asyncio.to_thread(self.look)
            while _identity(self._root) == which:
                changes = await coming
                self._told = ""
                coming = asyncio.ensure_future(anext(events))
                yield await asyncio.to_thread(self._changed, changes, real)
                if (Change.deleted, real) in changes:
                    return  # the folder that stands there now is another one, even if it has the same number
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await events.aclose()

    def _changed(self, changes: Collection[tuple[Change, str]], real: str) -> dict[str, bytes | None]:
        files: set[str] = set()
        if not changes:
            return self.look()  # a while without events
        for _, path in changes:
            file = os.path.relpath(path, real)
            if is_entry(file) and (file in self._texts or not (self._root / file).is_dir()):
                files.add(file)
            elif self._may_hide_files(file):
                return self.look()
        return self._read(files, changed_only=False)

    def _may_hide_files(self, file: str) -> bool:
        """Whether an event at this path may stand for others: a folder that came or went, or a link."""
        path = self._root / file
        if path.is_symlink() or file == ".":
            return True
        hidden = any(part.startswith(".") for part in Path(file).parts)
        return not hidden and (path.is_dir() or any(known.startswith(f"{file}/") for known in self._texts))

    def _read(self, files: Iterable[str], *, changed_only: bool) -> dict[str, bytes | None]:
        batch: dict[str, bytes | None] = {}
        latest = time.monotonic_ns() + LATEST_MS * 1_000_000
        for file in sorted(files):
            looks = _settled(self._root / file, latest)
            if changed_only and file in self._texts and looks is not None and looks == self._looks.get(file):
                continue
            text = read_file(self._root, file)
            self._looks[file] = looks
            if text is None:
                self._looks.pop(file)
                if self._texts.pop(file, None) is not None:
                    batch[file] = None
            elif not _same(text, self._texts.get(file)):
                self._texts[file] = batch[file] = text
        return batch


def _same(text: bytes, other: bytes | None) -> bool:
    """Whether two readings are the same; of a file that cannot be read, for the same reason."""
    return text == other and getattr(text, "reason", None) == getattr(other, "reason", None)


def _settled(path: Path, latest: int) -> _Looks:
    """What a file looks like once it has been left alone for `SILENCE_MS`, or at `latest`.

    An event waits for that silence; a look at all files may come between an editor's two writes.
    """
    while (looks := _looks(path)) is not None and time.monotonic_ns() < latest:
        left = SILENCE_MS * 1_000_000 - (time.time_ns() - looks[_MODIFIED])
        if not 0 < left <= SILENCE_MS * 1_000_000:  # silent for long enough, or a clock that is ahead of ours
            break
        time.sleep(left / 1e9)  # noqa: TID251 (in a reader's thread; an event that tells of a write's end there is not)
    return looks


def _looks(path: Path) -> _Looks:
    """What differs when a file does, without reading it; a link is followed."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _identity(folder: Path) -> _Looks:
    try:
        found = folder.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino)

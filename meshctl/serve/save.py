"""Saving the last good state: in a thread, in order, and only the newest when several are waiting.

May import the snapshot's disk. A disk that is full or gone costs nothing but the saving.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping

from meshctl.serve.slices import whole
from meshctl.snapshot import Snapshot
from meshctl.snapshot.disk import Disk
from meshctl.snapshot.folder import StateUnavailable

log = logging.getLogger(__name__)

STAMP_S = 60.0
"""How often the state is stamped as current, in seconds."""


class Saver:
    """Writes what was published; `clock` gives seconds of the epoch.

    `stamped_at` is when the state was last written or stamped as current, None before; `failures` counts how
    often that failed; `problem` is why what was published last is not on disk, "" where it is, or will be.
    """

    def __init__(self, disk: Disk, clock: Callable[[], float] = time.time) -> None:
        self._disk, self._clock = disk, clock
        self._texts: dict[str, bytes | None] = {}
        self._snapshot: Snapshot | None = None
        self._failed: Snapshot | None = None
        self._written: Snapshot | None = None
        self.stamped_at: float | None = None
        self.failures = 0
        self.problem = ""
        self._something = asyncio.Event()
        self._busy = asyncio.Lock()

    def save(self, texts: Mapping[str, bytes | None], snapshot: Snapshot) -> None:
        """Write these entry texts that changed and this snapshot, soon. Returns at once."""
        self._texts.update(texts)
        self._snapshot = snapshot
        self._something.set()

    async def run(self) -> None:
        """Write what is to be written, as it comes; without end."""
        while True:
            try:
                async with asyncio.timeout(STAMP_S):
                    await self._something.wait()
            except TimeoutError:
                await self.stamp()
            else:
                await self.flush()

    async def flush(self) -> None:
        """Write what is waiting now."""
        self._something.clear()
        async with self._busy:
            texts, self._texts = self._texts, {}
            snapshot, self._snapshot = self._snapshot, None
            if snapshot is not None:
                await whole(asyncio.to_thread(self._write, texts, snapshot))  # which nothing else keeps

    async def stamp(self) -> None:
        """Note that what was published last is current now; or save it, where that failed or was removed."""
        async with self._busy:
            is_gone = await asyncio.to_thread(self._disk.is_gone)
        missing = self._failed or (self._written if is_gone else None)
        if missing is not None and self._snapshot is None:
            self.save({}, missing)
        if missing is not None:
            await self.flush()
        elif self._written is not None:
            async with self._busy:
                await whole(asyncio.to_thread(self._write_stamp))

    def _write(self, texts: Mapping[str, bytes | None], snapshot: Snapshot) -> None:
        try:
            self._disk.save(texts, snapshot, self._clock())
        except Exception as error:  # a state that cannot be kept must not end what is being served
            expected = isinstance(error, sqlite3.Error | StateUnavailable)
            log.error("state not saved: reason=%r retry_s=%g", str(error), STAMP_S, exc_info=not expected)
            self._failed, self.problem = snapshot, str(error)
            self.failures += 1
        else:
            if self._failed is not None:
                log.info("state saved again: failures=%d", self.failures)
            self._failed, self._written, self.problem = None, snapshot, ""
            self.stamped_at = self._clock()

    def _write_stamp(self) -> None:
        try:
            now = self._clock()
            self._disk.stamp(now)
            self.stamped_at = now
        except sqlite3.Error as error:
            self.failures += 1
            log.error("state not stamped: reason=%r retry_s=%g", str(error), STAMP_S)

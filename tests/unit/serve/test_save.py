import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import rmtree

import pytest

from meshctl.names import CLUSTER, ResourceKey
from meshctl.serve.save import Saver
from meshctl.snapshot import Snapshot
from meshctl.snapshot.disk import Disk, State
from meshctl.snapshot.encode import assemble
from tests.support.waiting import LIMIT_S


def snapshot(base: Snapshot, name: str) -> Snapshot:
    resource = assemble(ResourceKey(CLUSTER, name), name.encode())
    return base.publish({resource.key: resource}, {})


def saved(directory: Path) -> State:
    disk = Disk.open(directory)
    disk.close()
    assert disk.state is not None
    return disk.state


class FullDisk(Disk):
    """A disk on which nothing fits while `space` says so; it counts its saves, and does `then` after each."""

    space = True
    saves = 0
    then: Callable[[], object] | None = None

    def save(self, texts: Mapping[str, bytes | None], snapshot: Snapshot, now: float) -> None:
        self.saves += 1
        if not self.space:
            self._whole = False
            self._note(texts)
            raise sqlite3.OperationalError("database or disk is full")
        super().save(texts, snapshot, now)
        if self.then is not None:
            self.then()


async def test_what_waits_is_written_at_once_and_only_the_newest(tmp_path: Path) -> None:
    disk = FullDisk.open(tmp_path)
    saver = Saver(disk, lambda: 7.0)
    first = snapshot(Snapshot(), "a")
    saver.save({"a": b"1", "b": b"1"}, first)
    second = snapshot(first, "b")
    saver.save({"a": None}, second)
    await saver.flush()
    await saver.flush()
    assert disk.saves == 1
    disk.close()
    state = saved(tmp_path)
    assert state.texts == {"b": b"1"}
    assert set(state.snapshot.resources) == set(second.resources)
    assert state.current_at == 7.0


async def test_saves_are_written_as_they_come(tmp_path: Path) -> None:
    disk, loop, saved_once = FullDisk.open(tmp_path), asyncio.get_running_loop(), asyncio.Event()
    disk.then = lambda: loop.call_soon_threadsafe(saved_once.set)
    saver = Saver(disk)
    running = asyncio.create_task(saver.run())
    saver.save({"a": b"1"}, snapshot(Snapshot(), "a"))
    async with asyncio.timeout(LIMIT_S):
        await saved_once.wait()
    running.cancel()
    disk.close()
    assert saved(tmp_path).texts == {"a": b"1"}


async def test_save_that_was_begun_is_finished_where_the_server_ends_meanwhile(tmp_path: Path) -> None:
    go, executor, disk = threading.Event(), ThreadPoolExecutor(1), Disk.open(tmp_path)
    asyncio.get_running_loop().set_default_executor(executor)
    executor.submit(go.wait)  # the save has to wait for its thread
    saver = Saver(disk)
    saver.save({"a": b"1"}, snapshot(Snapshot(), "a"))
    running = asyncio.create_task(saver.run())
    await asyncio.wait([running], timeout=0)
    running.cancel()
    await asyncio.wait([running], timeout=0)
    go.set()
    await asyncio.gather(running, return_exceptions=True)
    await saver.flush()
    disk.close()
    assert saved(tmp_path).texts == {"a": b"1"}


async def test_minute_without_a_save_stamps_what_is_saved(tmp_path: Path) -> None:
    disk, clock = Disk.open(tmp_path), [7.0]
    saver = Saver(disk, lambda: clock[0])
    saver.save({}, snapshot(Snapshot(), "a"))
    await saver.flush()
    clock[0] = 67.0
    await saver.stamp()
    disk.close()
    assert saved(tmp_path).current_at == 67.0


async def test_state_of_an_earlier_run_is_not_stamped_before_something_was_published(tmp_path: Path) -> None:
    disk = Disk.open(tmp_path)
    disk.save({}, Snapshot(), now=1.0)
    await Saver(disk, lambda: 67.0).stamp()
    disk.close()
    assert saved(tmp_path).current_at == 1.0


async def test_save_that_failed_is_tried_again_within_the_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = FullDisk.open(tmp_path)
    saver = Saver(disk, lambda: 9.0)
    disk.space = False
    saver.save({"a": b"1"}, snapshot(Snapshot(), "a"))
    await saver.flush()
    assert "disk is full" in caplog.text
    assert (saver.stamped_at, saver.failures) == (None, 1)
    disk.space = True
    await saver.stamp()
    assert (saver.stamped_at, saver.failures) == (9.0, 1)
    disk.close()
    assert saved(tmp_path).texts == {"a": b"1"}
    assert len(saved(tmp_path).snapshot.resources) == 1


async def test_state_that_was_removed_is_written_anew_within_the_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "state"
    disk = Disk.open(directory)
    saver = Saver(disk, lambda: 9.0)
    saver.save({"a": b"1"}, snapshot(Snapshot(), "a"))
    await saver.flush()
    rmtree(directory)
    await saver.stamp()
    assert "state was removed" in caplog.text
    disk.close()
    assert saved(directory).texts == {"a": b"1"}
    assert len(saved(directory).snapshot.resources) == 1

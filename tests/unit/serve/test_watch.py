import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import NoReturn

import pytest

from meshctl.catalog.folder import NoCatalog, list_files
from meshctl.serve import watch as watching
from meshctl.serve.watch import Watch
from tests.support.waiting import LIMIT_S

Batch = Mapping[str, bytes | None]
MESH, WEB, USERS = "mesh.yaml", "a/web.yaml", "a/users.yaml"


class Followed:
    """A catalog that is watched, and everything that was told of it, put together."""

    def __init__(self, root: Path, batches: AsyncIterator[Batch], watch: Watch) -> None:
        self.root, self.watch = root, watch
        self.texts: dict[str, bytes] = {}
        self.batches: list[Batch] = []
        self._coming = batches

    async def until(self, done: Callable[[dict[str, bytes]], bool]) -> None:
        """Wait until what was told says so."""
        async with asyncio.timeout(LIMIT_S):
            while not done(self.texts):
                batch = await anext(self._coming)
                assert batch
                self.batches.append(batch)
                self.texts.update({file: text for file, text in batch.items() if text is not None})
                for file in [file for file, text in batch.items() if text is None]:
                    del self.texts[file]

    async def until_equal(self) -> None:
        """Wait until what was told is what is on disk."""
        files = {file: self.root / file for file in list_files(self.root)}
        on_disk = {file: path.read_bytes() for file, path in files.items()}
        await self.until(lambda texts: texts == on_disk)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "catalog"
    (root / "a").mkdir(parents=True)
    for file in (MESH, WEB, USERS):
        (root / file).write_text("first")
    return root


@pytest.fixture
async def followed(root: Path) -> AsyncIterator[Followed]:
    watch = Watch(root)
    first = watch.look()
    async with aclosing(watch.batches()) as batches:
        followed = Followed(root, batches, watch)
        followed.texts = {file: text for file, text in first.items() if text is not None}
        # What is written once the first event was told is told by events, not by the look at the start.
        (root / MESH).write_text("watched")
        await followed.until(lambda texts: texts[MESH] == b"watched")
        followed.batches.clear()
        yield followed


def test_first_look_reads_everything_and_the_next_nothing(root: Path) -> None:
    watch = Watch(root)
    assert watch.look() == dict.fromkeys([USERS, WEB, MESH], b"first")
    assert watch.look() == {}


def test_look_tells_what_came_changed_and_went(root: Path) -> None:
    watch = Watch(root)
    watch.look()
    (root / WEB).write_text("other")
    (root / USERS).unlink()
    (root / "a/new.yaml").write_text("new")
    assert watch.look() == {WEB: b"other", USERS: None, "a/new.yaml": b"new"}


def test_file_that_is_being_written_is_read_when_it_is_left_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(root)
    watch.look()
    (root / WEB).write_text("half")
    just_now = _a_moment_after(root / WEB)

    def write_the_rest(seconds: float) -> None:
        assert 0 < seconds <= watching.SILENCE_MS / 1000
        (root / WEB).write_text("half, and the rest")
        os.utime(root / WEB, (1, 1))

    monkeypatch.setattr("meshctl.serve.watch.time.monotonic_ns", lambda: 0)
    monkeypatch.setattr("meshctl.serve.watch.time.time_ns", lambda: just_now)
    monkeypatch.setattr("meshctl.serve.watch.time.sleep", write_the_rest)
    assert watch.look() == {WEB: b"half, and the rest"}


def test_file_that_is_never_left_alone_is_read_at_the_latest(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(root)
    watch.look()
    clock = iter(range(0, 10**12, watching.LATEST_MS * 250_000))  # a few looks, then it is the latest
    monkeypatch.setattr("meshctl.serve.watch.time.monotonic_ns", lambda: next(clock))
    monkeypatch.setattr("meshctl.serve.watch.time.time_ns", lambda: _a_moment_after(root / WEB))
    monkeypatch.setattr("meshctl.serve.watch.time.sleep", lambda _: (root / WEB).write_text("other"))
    (root / WEB).write_text("half")
    assert watch.look() == {WEB: b"other"}


def _a_moment_after(file: Path) -> int:
    return file.stat().st_mtime_ns + 1_000_000


def test_folder_that_is_not_there_has_no_files(root: Path) -> None:
    watch = Watch(root)
    watch.look()
    shutil.rmtree(root)
    assert watch.look() == dict.fromkeys([USERS, WEB, MESH])
    assert watch.look() == {}


def test_file_that_cannot_be_read_is_told_once(root: Path) -> None:
    watch = Watch(root)
    watch.look()
    (root / WEB).unlink()
    (root / WEB).symlink_to("nowhere")
    assert watch.look() == {WEB: b""}
    assert watch.look() == {}


async def test_changed_file_is_told_and_no_other_is_read(followed: Followed) -> None:
    (followed.root / WEB).write_text("second")
    await followed.until_equal()
    assert followed.batches == [{WEB: b"second"}]


async def test_file_written_anew_with_the_same_bytes_is_not_told(followed: Followed) -> None:
    (followed.root / WEB).write_text("first")
    (followed.root / USERS).write_text("second")
    await followed.until_equal()
    assert {file for batch in followed.batches for file in batch} == {USERS}


async def test_editor_that_writes_beside_and_renames_makes_one_change(followed: Followed) -> None:
    beside = followed.root / "a/.web.yaml.swp"
    beside.write_text("second")
    os.replace(beside, followed.root / WEB)
    await followed.until_equal()
    assert followed.batches == [{WEB: b"second"}]


async def test_deleted_file_is_told(followed: Followed) -> None:
    (followed.root / WEB).unlink()
    await followed.until_equal()
    assert followed.batches == [{WEB: None}]


async def test_folder_moved_in_and_out_is_told(followed: Followed, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "pay.yaml").write_text("pay")
    outside.rename(followed.root / "b")
    await followed.until_equal()
    (followed.root / "a").rename(tmp_path / "gone")
    await followed.until_equal()
    assert set(followed.texts) == {MESH, "b/pay.yaml"}


async def test_file_in_a_folder_made_later_is_told(followed: Followed) -> None:
    (followed.root / "b").mkdir()
    (followed.root / "b/pay.yaml").write_text("pay")
    await followed.until_equal()
    (followed.root / "b/pay.yaml").write_text("again")
    await followed.until_equal()


async def test_link_to_a_folder_that_is_swapped_is_told(followed: Followed, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pay.yaml").write_text(name)
    (followed.root / "b").symlink_to(tmp_path / "one")
    await followed.until(lambda texts: texts.get("b/pay.yaml") == b"one")
    (followed.root / "swap").symlink_to(tmp_path / "two")
    os.replace(followed.root / "swap", followed.root / "b")
    await followed.until(lambda texts: texts.get("b/pay.yaml") == b"two")


async def test_catalog_that_is_deleted_and_comes_back_is_told(followed: Followed, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(followed.root, copy)
    shutil.rmtree(followed.root)
    await followed.until(lambda texts: not texts)
    copy.rename(followed.root)
    await followed.until_equal()
    (followed.root / WEB).write_text("second")
    await followed.until_equal()


async def test_catalog_that_is_replaced_as_a_whole_is_told(followed: Followed, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(followed.root, other)
    (other / WEB).write_text("second")
    followed.root.rename(tmp_path / "old")
    other.rename(followed.root)
    await followed.until(lambda texts: texts.get(WEB) == b"second" and len(texts) == 3)


async def test_catalog_named_by_a_relative_link_is_watched(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(root)
    monkeypatch.chdir(tmp_path)
    watch = Watch(Path("link"))
    watch.look()
    async with aclosing(watch.batches()) as batches, asyncio.timeout(LIMIT_S):
        for text in (b"second", b"third"):
            (root / WEB).write_bytes(text)
            assert await anext(batches) == {WEB: text}


async def test_folder_that_cannot_be_listed_for_a_while_is_logged_once_and_ends_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(root)
    watch.look()
    (root / WEB).write_text("second")
    refusals = iter(range(2))

    def listed(folder: Path) -> list[str]:
        if next(refusals, None) is not None:
            raise NoCatalog(f"the folder {folder / 'a'} cannot be read: Permission denied")
        return list_files(folder)

    monkeypatch.setattr(watching, "list_files", listed)
    async with aclosing(watch.batches()) as batches, asyncio.timeout(LIMIT_S):
        assert await anext(batches) == {WEB: b"second"}
    assert [record.levelname for record in caplog.records if "Permission denied" in record.message] == [
        "ERROR"
    ]


async def test_changes_while_nobody_asks_are_not_lost(followed: Followed) -> None:
    for number in range(5):
        (followed.root / WEB).write_text(str(number))
        (followed.root / f"a/n{number}.yaml").write_text("new")
        await followed.until_equal()


async def test_catalog_that_is_made_anew_with_the_old_number_is_watched(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Many file systems give a new folder the number of the one that was just deleted. Looks are too rare here
    # to tell anything.
    monkeypatch.setattr(watching, "_identity", lambda folder: (1, 1) if folder.is_dir() else None)
    monkeypatch.setattr(watching, "_LOOK_MS", 3_600_000)
    shutil.copytree(root, tmp_path / "copy")
    watch = Watch(root)
    watch.look()
    async with aclosing(watch.batches()) as batches:
        followed = Followed(root, batches, watch)
        (root / WEB).write_text("second")
        await followed.until(lambda texts: texts.get(WEB) == b"second")
        shutil.rmtree(root)
        shutil.copytree(tmp_path / "copy", root)
        await followed.until(lambda texts: texts.get(WEB) == b"first")
        (root / WEB).write_text("third")
        await followed.until(lambda texts: texts.get(WEB) == b"third")


async def test_name_that_is_no_text_ends_nothing(
    followed: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    for name in (b"caf\xe9.txt", b"caf\xe9.yaml"):
        os.close(os.open(os.fsencode(followed.root) + b"/" + name, os.O_CREAT, 0o600))
        (followed.root / WEB).write_bytes(name)
        await followed.until_equal()
    assert set(followed.texts) == {MESH, WEB, USERS}
    assert "catalog not watched: " in caplog.text


async def test_folder_that_cannot_be_watched_is_looked_at(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*_paths: str, **_options: object) -> NoReturn:
        raise OSError("OS file watch limit reached.")

    monkeypatch.setattr(watching, "awatch", refused)
    watch = Watch(root)
    watch.look()
    async with aclosing(watch.batches()) as batches, asyncio.timeout(LIMIT_S):
        for text in (b"second", b"third"):
            (root / WEB).write_bytes(text)
            assert await anext(batches) == {WEB: text}
    assert caplog.text.count("OS file watch limit reached") == 1

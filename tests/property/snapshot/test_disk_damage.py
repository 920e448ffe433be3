"""What a kill, a power cut or a copy that was cut short leaves of the state."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meshctl.names import CLUSTER, ResourceKey
from meshctl.snapshot import Snapshot, View
from meshctl.snapshot.disk import Disk, State
from meshctl.snapshot.encode import assemble

ROOT = Path(__file__).parents[3]
KILLS = 200
REVISIONS = 20
FILE = "state.sqlite"


def test_kill_at_any_moment_leaves_a_whole_state_that_was_saved(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.saves", str(tmp_path), str(KILLS)]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=300)
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(found) == KILLS
    for one in found:
        # Whoever is killed between the commit and the report has saved one more than it told.
        assert one["loaded"] in (one["saved"], one["saved"] + 1), one
        assert one["marks"] == [one["loaded"]], one
        assert one["integrity"] == "ok", one
    assert not (tmp_path / f"{FILE}.aside").exists()


def written(folder: Path) -> Disk:
    """A disk on which `REVISIONS` states were saved one after the other, each with a cluster more."""
    disk, snapshot = Disk.open(folder), Snapshot()
    for number in range(REVISIONS):
        name = f"c{number}"
        one = assemble(ResourceKey(CLUSTER, name), name.encode() * 500)
        snapshot = snapshot.publish({one.key: one}, {name: View(name, {one.ref: one.key})})
        disk.save({f"{name}.yaml": name.encode()}, snapshot, now=number)
    return disk


def opened(folder: Path) -> State | None:
    """What the next start finds; it can save again in any case."""
    disk = Disk.open(folder)
    disk.save({}, disk.state.snapshot if disk.state else Snapshot(), now=1)
    disk.close()
    return disk.state


def is_whole(state: State) -> bool:
    """Whether it is one of those that were saved."""
    snapshot = state.snapshot
    return len(snapshot.resources) == len(snapshot.views) == len(state.texts) == snapshot.revision


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the file is as a server that ended leaves it."""
    folder = tmp_path_factory.mktemp("closed")
    written(folder).close()
    return folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the file and its log are as a server that was killed leaves them."""
    folder, left = tmp_path_factory.mktemp("running"), tmp_path_factory.mktemp("killed")
    disk = written(folder)
    for file in (FILE, f"{FILE}-wal"):
        (left / file).write_bytes((folder / file).read_bytes())
    disk.close()
    return left


CUTS = given(share=st.floats(0.0, 1.0, exclude_max=True), tail=st.sampled_from([b"", b"\0", b"\xff"]))


def cut(content: bytes, share: float, tail: bytes) -> bytes:
    kept = int(share * len(content))
    return content[:kept] + tail * (len(content) - kept)


@settings(max_examples=100, deadline=None)
@example(share=0.99, tail=b"\xff")  # a text that is no UTF-8
@example(share=0.0626, tail=b"\0")  # a table that reads as empty, and cannot be written
@CUTS
def test_file_that_is_cut_short_or_ends_in_rubbish_is_moved_aside_or_loads_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, closed: Path, share: float, tail: bytes
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    content = cut((closed / FILE).read_bytes(), share, tail)
    (folder / FILE).write_bytes(content)
    state = opened(folder)
    if state is None:
        # An empty file, or one of a single byte, is a database without tables: a new state.
        assert len(content) < 2 or (folder / f"{FILE}.aside").read_bytes() == content
    else:
        assert (state.snapshot.revision, is_whole(state)) == (REVISIONS, True)


@settings(max_examples=100, deadline=None)
@CUTS
def test_log_that_is_cut_short_or_ends_in_rubbish_gives_a_state_that_was_saved(
    tmp_path_factory: pytest.TempPathFactory, killed: Path, share: float, tail: bytes
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    (folder / FILE).write_bytes((killed / FILE).read_bytes())
    log = (killed / f"{FILE}-wal").read_bytes()
    (folder / f"{FILE}-wal").write_bytes(cut(log, share, tail))
    state = opened(folder)
    assert state is None or is_whole(state)
    assert not (folder / f"{FILE}.aside").exists()

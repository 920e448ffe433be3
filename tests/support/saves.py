"""Kills a process that saves states without end, again and again, and looks at what each kill left behind.

A program of its own, so that it may fork: `python -m tests.support.saves FOLDER KILLS` prints for each
kill, as a line of JSON, what was reported as saved and what was found.
"""

import json
import os
import random
import select
import signal
import sqlite3
import sys
import time
from pathlib import Path

from meshctl.names import CLUSTER, ROUTES, ResourceKey
from meshctl.snapshot import Part, Resource, Snapshot, Tombstone, View
from meshctl.snapshot.disk import Disk, State
from meshctl.snapshot.encode import assemble

LONGEST_S = 0.03
"""A save takes a few ms here: kills meet its beginning, its middle, and the time between two."""

_ENTRIES = 20


def main() -> None:
    """Kill and look, as often as the arguments say."""
    folder, kills = Path(sys.argv[1]), int(sys.argv[2])
    for _ in range(kills):
        saved = _killed(folder, random.uniform(0.0, LONGEST_S))
        print(json.dumps({"saved": saved, **_found(folder)}), flush=True)


def _killed(folder: Path, after_s: float) -> int:
    """Let a child save until `after_s` after its first one; the revision that it told of last."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _save_without_end(folder, theirs)
    os.close(theirs)
    told = os.read(ours, 8)
    end = time.monotonic() + after_s
    while select.select([ours], [], [], max(end - time.monotonic(), 0.0))[0] and time.monotonic() < end:
        told = os.read(ours, 8)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(ours, 8):
        told = more
    os.close(ours)
    return int.from_bytes(told, "big")


def _save_without_end(folder: Path, reports: int) -> None:
    disk = Disk.open(folder)
    snapshot = disk.state.snapshot if disk.state else Snapshot()
    while True:
        snapshot, texts = _next(snapshot)
        disk.save(texts, snapshot, now=snapshot.revision)
        os.write(reports, snapshot.revision.to_bytes(8, "big"))


def _next(snapshot: Snapshot) -> tuple[Snapshot, dict[str, bytes | None]]:
    """The next state: everything in it carries the number of its revision."""
    mark = f"{snapshot.revision + 1}"
    names = [f"c{index}" for index in range(_ENTRIES)]
    clusters = [_cluster(name, mark) for name in names]
    table = assemble(ResourceKey(ROUTES, "r"), mark.encode(), [Part(name, mark.encode()) for name in names])
    lost = Tombstone(_cluster("gone", mark), snapshot.revision + 1)
    keys = {one.ref: one.key for one in (*clusters, table)}
    view = View("web", keys, {lost.resource.ref: lost}, frozen=True)
    resources: dict[ResourceKey, Resource | None] = {one.key: one for one in (*clusters, table)}
    return snapshot.publish(resources, {"web": view}), {f"{name}.yaml": mark.encode() for name in names}


def _cluster(name: str, mark: str) -> Resource:
    return assemble(ResourceKey(CLUSTER, name), mark.encode())


def _found(folder: Path) -> dict[str, object]:
    disk = Disk.open(folder)
    disk.close()
    database = sqlite3.connect(folder / "state.sqlite")
    (integrity,) = database.execute("PRAGMA integrity_check").fetchone()
    database.close()
    revision = disk.state.snapshot.revision if disk.state else None
    return {"loaded": revision, "marks": _marks(disk.state) if disk.state else [], "integrity": integrity}


def _marks(state: State) -> list[int]:
    """The revisions that its parts carry: one only, if it is whole."""
    view = state.snapshot.views["web"]
    resources = [state.snapshot.resources[key] for key in view.keys.values()]
    resources += [stone.resource for stone in view.tombstones.values()]
    parts = [part.body for one in resources for part in one.parts]
    marks = {*state.texts.values(), *(one.head for one in resources), *parts}
    return sorted({int(mark) for mark in marks} | {int(state.current_at)})


if __name__ == "__main__":
    main()

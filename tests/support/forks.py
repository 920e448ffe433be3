"""A server that can be killed and started again within a tenth of a second: forked, with everything imported.

As a program (`python -m tests.support.forks FOLDER XDS HTTP GRACE ORDER`) it forks a server on the catalog
and the state in FOLDER for each line `start` that it reads, kills it with signal 9 for each line `kill`, and
answers each with a line. It ends, and its server with it, when its input does.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Self

from meshctl.serve.app import Settings, run
from meshctl.verify.scene import Scene
from meshctl.xds.ordering import NeedsOrder, Ordering
from tests.support.orders import AtOnce
from tests.support.planes import SERVICES, answers
from tests.support.waiting import eventually


class Order(Enum):
    """When what goes out: as meshctl decides it, or at once, as the control does."""

    NEEDS = "needs"
    AT_ONCE = "at once"

    def made(self, grace_s: float) -> Ordering:
        """The ordering."""
        return NeedsOrder(grace_s) if self is Order.NEEDS else AtOnce()


class Forks:
    """The server of a scene, dead at first."""

    def __init__(self, scene: Scene, process: Process) -> None:
        self._scene, self._process = scene, process
        self.alive = False

    @classmethod
    @asynccontextmanager
    async def of(cls, scene: Scene, grace_s: float, order: Order) -> AsyncIterator[Self]:
        """With everything imported; its logs go to `server.log` in the scene's folder."""
        where = (str(scene.folder), scene.control_plane, scene.http, str(grace_s), order.value)
        with open(scene.folder / "server.log", "ab") as log:  # noqa: ASYNC230
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.support.forks", *where),
                cwd=Path(__file__).parents[2],
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
            )
        try:
            yield cls(scene, process)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()

    async def start(self, status: int) -> None:
        """Start it, and wait until it has read the catalog and /readyz has this status."""
        await self._tell("start")
        self.alive = True

        async def ready() -> bool:
            return await answers(self._scene.ports.http, "/readyz", status)

        await eventually(ready, f"the server has read its catalog, and is at {status}")

    async def kill(self) -> None:
        """Kill it with signal 9: it can neither say nor save anything."""
        await self._tell("kill")
        self.alive = False

    async def _tell(self, word: str) -> None:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the forks have no pipes")
        self._process.stdin.write(f"{word}\n".encode())
        answer = await self._process.stdout.readline()
        if answer != b"done\n":
            raise RuntimeError(f"the forks answer {word!r} with {answer!r}")


def main() -> None:
    """Fork and kill as the input says."""
    folder, xds, http, grace, order = sys.argv[1:]
    catalog, state = Path(folder) / "catalog", Path(folder) / "state"
    settings = Settings(
        catalog=catalog,
        xds=xds,
        http=http,
        state=state,
        ordering=Order(order).made(float(grace)),
        returns_s=float(grace),  # the nodes of a rig are back within a tenth of a second
    )
    ours, theirs = os.pipe()  # nothing is written: its end tells a server that this process is gone
    server = 0
    for line in sys.stdin:
        if line.strip() == "start":
            server = os.fork()
            if server == 0:
                os.close(theirs)
                _serve(settings, ours)
        else:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
        print("done", flush=True)


def _serve(settings: Settings, alone: int) -> None:
    async def until_alone() -> None:
        asyncio.get_running_loop().add_reader(alone, os._exit, 0)
        await run(settings, SERVICES)

    asyncio.run(until_alone())
    os._exit(0)


if __name__ == "__main__":
    main()

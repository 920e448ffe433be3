"""Control planes for scenes: in the test's own process, where its parts can be replaced, or as a child.

As a process of its own it is `python -m tests.support.planes`: the real server with a short grace, for tests
that kill it.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from meshctl.api.fleet import add_fleet
from meshctl.envoy.decode import same_resource
from meshctl.operations.keep import Same
from meshctl.serve.app import Settings, run, serve
from meshctl.verify.connection import get
from meshctl.verify.processes import MeshctlServe
from meshctl.verify.scene import Scene
from meshctl.verify.stage import Serving
from meshctl.xds.limits import LIMITS, Limits
from meshctl.xds.ordering import NeedsOrder, Ordering
from tests.support.waiting import LIMIT_S, eventually

SERVICES = (add_fleet,)


def in_process(ordering: Ordering, limits: Limits = LIMITS) -> Serving:
    """The server in this process, with this ordering of what it sends, and these limits."""

    def serving(scene: Scene) -> AbstractAsyncContextManager[None]:
        return _serving(replace(_settings(scene, ordering), limits=limits))

    return serving


class Restartable:
    """The server in this process, which ends its streams and starts again on the same state: a `Serving`."""

    def __init__(self, scene: Scene, ordering: Ordering) -> None:
        self._settings = _settings(scene, ordering)
        self._running = AsyncExitStack()

    @asynccontextmanager
    async def __call__(self, scene: Scene) -> AsyncIterator[None]:
        """Ready when entered; stopped at the end."""
        await self._running.enter_async_context(_serving(self._settings))
        async with self._running:
            yield

    async def restart(self, same: Same = same_resource) -> None:
        """Stop it, and start it as the code stands now. `same` judges what need not go out."""
        async with self.away(same):
            pass

    @asynccontextmanager
    async def away(self, same: Same = same_resource) -> AsyncIterator[None]:
        """Stopped for as long as the block lasts, and started as the code stands then."""
        await self._running.aclose()
        yield
        await self._running.enter_async_context(_serving(replace(self._settings, same=same)))


@asynccontextmanager
async def _serving(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(serve(settings, SERVICES, stop))

    async def ready() -> bool:
        if running.done():
            running.result()
        return await answers(int(settings.http.rpartition(":")[2]), "/readyz")

    await eventually(ready, "the control plane is ready")
    try:
        yield
    finally:
        stop.set()
        await running


def _settings(scene: Scene, ordering: Ordering) -> Settings:
    return Settings(
        catalog=scene.catalog,
        xds=scene.control_plane,
        http=scene.http,
        state=scene.state,
        ordering=ordering,
        returns_s=ordering.grace,
    )


class Killable:
    """The server as a process that can be killed, and started again on the same state: a `Serving`."""

    def __init__(self, scene: Scene, grace_s: float) -> None:
        self._scene, self._grace_s = scene, grace_s
        self._process: MeshctlServe | None = None

    @asynccontextmanager
    async def __call__(self, scene: Scene) -> AsyncIterator[None]:
        """Ready when entered; stopped at the end, if it runs then."""
        await self.start("/readyz")
        try:
            yield
        finally:
            if self._process is not None:
                await self._process.stop()

    async def start(self, page: str, state: Path | None = None) -> None:
        """Start it, and wait until it answers this page with 200; `state`: on another than its own."""
        scene = self._scene
        command = (sys.executable, "-m", "tests.support.planes", scene.control_plane, scene.http)
        where = (str(scene.catalog), str(state or scene.state), str(self._grace_s))
        path = {"PYTHONPATH": str(Path(__file__).parents[2])}
        serve = self._process = await MeshctlServe.start("serve", (*command, *where), scene.folder, path)
        await serve.ready(lambda: answers(scene.ports.http, page), LIMIT_S)

    async def kill(self) -> None:
        """Kill it with signal 9: it can neither say nor save anything."""
        if self._process is not None:
            await self._process.kill()
            self._process = None


async def answers(port: int, page: str, status: int = 200) -> bool:
    """Whether a page has this status now."""
    try:
        return (await get(port, page)).status == status
    except OSError:
        return False


def main() -> None:
    """Serve as the arguments say."""
    parser = argparse.ArgumentParser()
    for name in ("xds", "http", "catalog", "state", "grace"):
        parser.add_argument(name)
    said = parser.parse_args()
    settings = Settings(
        catalog=Path(said.catalog),
        xds=said.xds,
        http=said.http,
        state=Path(said.state),
        ordering=NeedsOrder(float(said.grace)),
        returns_s=float(said.grace),
    )
    asyncio.run(run(settings, SERVICES))


if __name__ == "__main__":
    main()

"""A control plane that is killed and comes back after a while, under load, with and without an edit."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import pytest

from meshctl.operations.compile import Compiler
from meshctl.operations.rules.recipe import Recipe
from meshctl.snapshot import View
from meshctl.verify.load import Load
from meshctl.verify.scene import Ports, Scene
from meshctl.verify.stage import Stage, staged
from meshctl.xds.ordering import NeedsOrder
from tests.real.conftest import BOTH_VARIANTS, GRACE_S
from tests.support import admin, fleet
from tests.support.planes import Killable, Restartable
from tests.support.second import Second
from tests.support.shifts import loaded, put, until_gone, until_shares
from tests.support.waiting import eventually, pause


@dataclass(frozen=True, slots=True)
class Returns:
    """Two sidecars and a gateway, by delta and state-of-the-world, on a server that can be killed."""

    stage: Stage
    server: Killable

    @classmethod
    @asynccontextmanager
    async def on(cls, folder: Path) -> AsyncIterator["Returns"]:
        scene = Scene(folder, Ports.free())
        server = Killable(scene, GRACE_S)
        async with staged(scene, server, BOTH_VARIANTS) as two, Second.free().on(two) as three:
            returns = cls(three, server)
            await returns.until_synced()
            yield returns

    async def until_synced(self) -> None:
        async def synced() -> bool:
            return await fleet.states(self.stage.scene) == dict.fromkeys(self.stage.envoys, "synced")

        await eventually(synced, "all nodes have acknowledged")

    async def unchanged(self, load: Load, away_s: float) -> None:
        """Gone for so long, and back on the same catalog: no node is given anything that it has not."""
        before = await self._told()
        async with load.change(f"away for {away_s} s"):
            await self._away(away_s)
            await self.until_synced()
        assert await self._told() == before

    async def edited(self, load: Load, away_s: float, old: str, new: str) -> None:
        """Gone for so long, and back on a catalog in which another version serves."""
        async with load.change(f"away for {away_s} s, {old} replaced by {new}"):
            await self._away(away_s, {new: 100})
            await until_shares(self.stage, {new: 100})
            await until_gone(self.stage, f"users/{old}")
            await self.until_synced()

    async def _away(self, seconds: float, weights: Mapping[str, int] | None = None) -> None:
        await self.server.kill()
        if weights:
            put(self.stage, weights)
        await pause(seconds)
        await self.server.start("/readyz")

    async def _told(self) -> object:
        envoys = self.stage.envoys
        return {name: (await admin.held(one), await admin.applied(one)) for name, one in envoys.items()}


async def test_server_that_comes_back_loses_no_request_and_pushes_only_what_changed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    # Side by side, so that a minute passes once.
    async with asyncio.TaskGroup() as side_by_side:
        for scene in (_soon, _same, _edited):
            side_by_side.create_task(scene(tmp_path_factory.mktemp("mesh")))


async def _soon(folder: Path) -> None:
    async with Returns.on(folder) as returns, loaded(returns.stage) as load:
        await returns.unchanged(load, 0.1)
        await returns.edited(load, 0.1, "v1", "v2")
        await returns.unchanged(load, 3.0)
        await returns.edited(load, 3.0, "v2", "v1")


async def _same(folder: Path) -> None:
    async with Returns.on(folder) as returns, loaded(returns.stage) as load:
        await returns.unchanged(load, 60.0)


async def _edited(folder: Path) -> None:
    async with Returns.on(folder) as returns, loaded(returns.stage) as load:
        await returns.edited(load, 60.0, "v1", "v2")


async def test_control_without_what_a_view_lost_an_edit_across_a_restart_loses_requests(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """State-of-the-world clients cannot say what they hold: what is left out of an answer is gone."""
    renewed = Compiler._renewed

    def forgetful(compiler: Compiler, name: str, old: View | None, recipes: Iterable[Recipe]) -> View:
        return replace(renewed(compiler, name, old, recipes), tombstones={})

    monkeypatch.setattr(Compiler, "_renewed", forgetful)
    control_plane = Restartable(scene, NeedsOrder(GRACE_S))
    versions = cycle(("v2", "v1"))
    async with staged(scene, control_plane, BOTH_VARIANTS) as stage, stage.load() as load:

        async def failed() -> bool:
            async with control_plane.away():
                put(stage, {(new := next(versions)): 100})
            await until_shares(stage, {new: 100})
            return load.tally.failed > 0

        await eventually(failed, "a request has failed", 120.0)

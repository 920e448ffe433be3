"""A control plane that goes away while Envoys warm a changed cluster, and comes back: no request is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from meshctl.verify.load import Load
from meshctl.verify.scene import USERS_FILE, Scene
from meshctl.verify.stage import Stage, staged
from meshctl.xds.client import Client
from tests.real.conftest import BOTH_VARIANTS, GRACE_S
from tests.support import fleet
from tests.support.orders import Withholding
from tests.support.planes import Restartable
from tests.support.shifts import assert_nothing_lost, put, until_gone, until_shares
from tests.support.waiting import eventually


@asynccontextmanager
async def _warming(scene: Scene) -> AsyncIterator[tuple[Stage, Load]]:
    """Both Envoys warm `users/v1`, and a new server, which sends endpoints again, is to shift them to v2."""
    ordering = Withholding(GRACE_S)
    server = Restartable(scene, ordering)
    async with staged(scene, server, BOTH_VARIANTS) as stage, stage.load() as load, load.change("restart"):
        ordering.withholds = True
        scene.write(USERS_FILE, scene.users({"v1": 100}) + "timeouts: {connect: 3s}\n")
        await _until_warming(stage)
        async with server.away():
            ordering.withholds = False
            put(stage, {"v2": 100})
        yield stage, load


async def _until_warming(stage: Stage) -> None:
    async def warming() -> bool:
        gauge = r"^cluster_manager\.warming_clusters$"
        return all([sum((await envoy.stats(gauge)).values()) > 0 for envoy in stage.envoys.values()])

    await eventually(warming, "both Envoys warm a cluster")


async def test_a_restart_while_clusters_warm_loses_no_request(scene: Scene) -> None:
    async with _warming(scene) as (stage, load):
        await until_shares(stage, {"v2": 100})
        await until_gone(stage, "users/v1")

        async def synced() -> bool:
            return await fleet.states(scene) == dict.fromkeys(stage.envoys, "synced")

        await eventually(synced, "both nodes are synced")
    assert_nothing_lost(load.report)


async def test_control_a_server_to_which_silence_says_nothing_loses_requests(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "is_silent", property(lambda _client: False))
    async with _warming(scene) as (_, load):

        async def failed() -> bool:
            return load.tally.failed > 0

        await eventually(failed, "a request has failed")

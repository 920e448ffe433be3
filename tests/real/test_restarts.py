"""A control plane that is killed and comes back to another catalog, under load, with Envoys that stay up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from meshctl.verify.scene import SIDECAR, USERS_FILE, Ports, Scene
from meshctl.verify.stage import Stage, staged
from tests.real.conftest import BOTH_VARIANTS, GRACE_S
from tests.support import admin, fleet
from tests.support.impatient import Impatient
from tests.support.planes import Killable
from tests.support.shifts import loaded, put, until_gone, until_shares
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class Restarts:
    stage: Stage
    server: Killable


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Impatient(tmp_path, Ports.free())


@pytest.fixture
async def restarts(scene: Scene) -> AsyncIterator[Restarts]:
    server = Killable(scene, GRACE_S)
    async with staged(scene, server, BOTH_VARIANTS) as stage:
        yield Restarts(stage, server)


@asynccontextmanager
async def killed(restarts: Restarts) -> AsyncIterator[None]:
    """The server is dead while the block edits the catalog, and is ready afterwards."""
    await restarts.server.kill()
    yield
    await restarts.server.start("/readyz")


async def until_synced(stage: Stage) -> None:
    async def synced() -> bool:
        return await fleet.states(stage.scene) == dict.fromkeys(stage.envoys, "synced")

    await eventually(synced, "both nodes are synced")


async def test_a_version_replaced_while_the_server_is_dead_loses_no_request_when_it_comes_back(
    restarts: Restarts,
) -> None:
    stage = restarts.stage
    async with loaded(stage) as load, load.change("kill -9, v1 replaced by v2, restart"):
        async with killed(restarts):
            put(stage, {"v2": 100})
        await until_shares(stage, {"v2": 100})
        await until_gone(stage, "users/v1")
        await until_synced(stage)


async def test_a_restart_on_a_broken_entry_serves_its_last_good_text_and_takes_edits_of_others(
    restarts: Restarts,
) -> None:
    stage = restarts.stage
    scene = stage.scene
    put(stage, {"v1": 50, "v2": 50})
    await until_shares(stage, {"v1": 50, "v2": 50})
    async with loaded(stage) as load, load.change("kill -9, users broken, restart, web edited"):
        async with killed(restarts):
            broken = scene.users({"v1": 50, "v2": 50}).replace("serving:", "servign:")
            scene.write(USERS_FILE, broken)
        await until_synced(stage)
        catalog = await fleet.catalog(scene)
        scene.write("shop/pay.yaml", "service: pay\nport: 8082\nendpoints: [127.0.0.1:9]\n")
        web = scene.catalog / "shop/web.yaml"
        scene.write("shop/web.yaml", web.read_text().replace("[users]", "[users, pay]"))

        async def arrived() -> bool:
            return "pay/v1" in await admin.clusters(stage.envoys[SIDECAR])

        await eventually(arrived, "the sidecar has the new cluster")
        await until_synced(stage)
    (problem,) = catalog["broken"]
    assert (catalog["state"], problem["serving"]) == ("broken", "last good")
    assert (problem["location"]["file"], problem["location"]["line"]) == (USERS_FILE, 6)
    assert [await admin.shares(envoy, "users") for envoy in stage.envoys.values()] == [
        {"v1": 50, "v2": 50},
        {"v1": 50, "v2": 50},
    ]


async def test_a_restart_on_half_of_the_catalog_is_guarded_and_loses_no_request(restarts: Restarts) -> None:
    stage = restarts.stage
    scene = stage.scene
    async with loaded(stage) as load, load.change("kill -9, both services gone, restart"):
        async with killed(restarts):
            for file in (USERS_FILE, "shop/web.yaml"):
                (scene.catalog / file).unlink()
        await until_synced(stage)
        catalog = await fleet.catalog(scene)
    assert catalog["state"] == "guarded"
    assert catalog["guarded"]["losses"] == ["service users", "service web"]
    for envoy in stage.envoys.values():
        assert await admin.shares(envoy, "users") == {"v1": 100}

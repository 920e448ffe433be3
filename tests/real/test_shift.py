"""Traffic shifted by edits of the catalog, under load, through a sidecar by delta and a gateway by SotW."""

import asyncio

from meshctl.verify.scene import USERS_FILE
from meshctl.verify.stage import Stage
from tests.support import admin, fleet
from tests.support.shifts import loaded, put, until_gone, until_shares
from tests.support.waiting import beats, eventually


async def test_ten_weights_a_second_apart_and_the_removal_of_the_old_version_lose_no_request(
    stage: Stage,
) -> None:
    async with loaded(stage) as load:

        async def shift(weight: int, edited: asyncio.Event) -> None:
            async with load.change(f"v2 at {weight} %"):
                put(stage, {"v1": 100 - weight, "v2": weight})
                edited.set()

        async with asyncio.TaskGroup() as shifting:
            async for step in beats(10, every_s=1.0):
                edited = asyncio.Event()
                shifting.create_task(shift(10 * (step + 1), edited))
                await edited.wait()  # the next weight must not be written before this one
        await until_shares(stage, {"v2": 100})
        async with load.change("v1 removed"):
            put(stage, {"v2": 100})
            await until_gone(stage, "users/v1")
    assert len(load.report.changes) == 11
    for envoy in stage.envoys.values():
        assert await admin.clusters(envoy) == {"users/v2"}


async def test_twenty_flips_each_as_soon_as_the_one_before_is_published_lose_no_request(stage: Stage) -> None:
    before = await fleet.metric(stage.scene, "meshctl_publishes_total")
    async with loaded(stage) as load, load.change("20 flips"):
        async for flip in beats(20, every_s=0.15):
            put(stage, {"v1": 100, "v2": 0} if flip % 2 else {"v1": 0, "v2": 100})
            await _until_published(stage, before + flip + 1)  # two edits in one breath are one change
        await until_shares(stage, {"v1": 100})
    assert await fleet.metric(stage.scene, "meshctl_publishes_total") == before + 20


async def test_a_version_replaced_by_another_in_one_edit_loses_no_request(stage: Stage) -> None:
    async with loaded(stage) as load, load.change("v1 replaced by v2"):
        put(stage, {"v2": 100})
        await until_shares(stage, {"v2": 100})
        await until_gone(stage, "users/v1")


async def test_a_cluster_whose_settings_change_is_warm_at_once_and_loses_no_request(stage: Stage) -> None:
    text = stage.scene.users({"v1": 100})
    async with loaded(stage) as load, load.change("another connect timeout"):
        stage.scene.write(USERS_FILE, text + "timeouts: {connect: 3s}\n")

        async def taken() -> bool:
            found = [await admin.connect_timeout(envoy, "users/v1") for envoy in stage.envoys.values()]
            return found == ["3s", "3s"]

        await eventually(taken, "both Envoys use the changed cluster")
    for envoy in stage.envoys.values():
        # Without its endpoints sent again, Envoy waits 15 s, counts that, and then uses the changed cluster.
        waited = await envoy.stats(r"^cluster\.users/v1\.init_fetch_timeout$")
        assert list(waited.values()) == [0]


async def _until_published(stage: Stage, changes: float) -> None:
    async def published() -> bool:
        return await fleet.metric(stage.scene, "meshctl_publishes_total") >= changes

    await eventually(published, f"{changes:g} changes are published")

"""Connections that live for a second, with real Envoys that come back each time, under load."""

from dataclasses import replace

from meshctl.verify.scene import Scene
from meshctl.verify.stage import Stage, staged
from meshctl.xds.limits import LIMITS
from meshctl.xds.ordering import NeedsOrder
from tests.real.conftest import BOTH_VARIANTS, GRACE_S
from tests.support import fleet
from tests.support.planes import in_process
from tests.support.shifts import loaded, put, until_shares
from tests.support.waiting import eventually

YOUNG = replace(LIMITS, connection_age=1.0, connection_grace=0.5)


async def test_envoys_whose_connection_ends_each_second_lose_no_request_and_are_sent_nothing_twice(
    scene: Scene,
) -> None:
    plane = in_process(NeedsOrder(GRACE_S), YOUNG)
    async with staged(scene, plane, BOTH_VARIANTS) as stage, loaded(stage) as load:
        async with load.change("connections end, and nothing else"):
            await eventually(lambda: _synced(scene), "both Envoys are synced")
            versions = await _versions(stage)
            await _until_back(stage, 3)
            assert await _versions(stage) == versions
        async with load.change("a shift meanwhile"):
            put(stage, {"v1": 50, "v2": 50})
            await until_shares(stage, {"v1": 50, "v2": 50})
            await _until_back(stage, 2)
            put(stage, {"v2": 100})
            await until_shares(stage, {"v2": 100})


async def _synced(scene: Scene) -> bool:
    return list((await fleet.states(scene)).values()) == ["synced", "synced"]


async def _until_back(stage: Stage, times: int) -> None:
    """Until each Envoy has opened so many more connections."""
    before = [await _connections(stage, name) for name in stage.envoys]

    async def back() -> bool:
        now = [await _connections(stage, name) for name in stage.envoys]
        return all(count >= was + times for count, was in zip(now, before, strict=True))

    await eventually(back, f"both Envoys came back {times} times")


async def _connections(stage: Stage, name: str) -> int:
    (count,) = (await stage.envoys[name].stats(r"^cluster\.xds\.upstream_cx_total$")).values()
    return count


async def _versions(stage: Stage) -> tuple[object, ...]:
    """How often each Envoy took another version of anything, by what it counts."""
    changes = r"((cluster|listener)_(added|modified|removed)|config_reload)$"
    return tuple([await envoy.stats(changes) for envoy in stage.envoys.values()])

"""Clients that rage at the control plane while real Envoys are served by it, under load."""

import asyncio

from meshctl.verify.scene import GATEWAY, SIDECAR, Scene
from meshctl.verify.stage import served, staged
from tests.real.conftest import BOTH_VARIANTS
from tests.support import fleet, garbage
from tests.support.shifts import loaded, put, until_shares
from tests.support.waiting import LIMIT_S, eventually


async def test_pushes_reach_envoys_and_no_request_is_lost_while_garbage_rages(scene: Scene) -> None:
    async with (
        staged(scene, served, BOTH_VARIANTS) as stage,
        garbage.raging(scene.control_plane) as told,
        loaded(stage) as load,
    ):
        await garbage.attempts(told, 3)
        for weights in ({"v1": 50, "v2": 50}, {"v2": 100}, {"v1": 100, "v2": 0}):
            async with load.change(f"a shift to {weights} among garbage"):
                put(stage, weights)
                await until_shares(stage, {name: share for name, share in weights.items() if share})
        await asyncio.wait_for(garbage.attempts(told, 3), 5 * LIMIT_S)

        async def settled() -> bool:
            states = await fleet.states(scene)
            return {states.get(SIDECAR), states.get(GATEWAY)} == {"synced"}

        await eventually(settled, "both Envoys are synced")
        refused = await fleet.metric(scene, "meshctl_streams_refused_total")
    assert refused > 10

"""Another build, which writes every map in another order, takes over while the Envoys stay up under load."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest

from meshctl.names import TypeUrl
from meshctl.verify.scene import GATEWAY, SIDECAR, Scene
from meshctl.verify.stage import Stage, staged
from meshctl.xds.ordering import NeedsOrder
from tests.real.conftest import BOTH_VARIANTS, GRACE_S
from tests.support import builds, fleet
from tests.support.planes import Restartable
from tests.support.shifts import loaded, put, until_held
from tests.support.waiting import eventually

# A delta client is sent what it lacks; a state-of-the-world client is sent all again, under a version that
# says whether anything is new. The other counters of each are raised by every restart.
RECEIVED = {
    SIDECAR: r"^(cluster\.users/v1|http\.egress\.rds\..*)\.update_success$",
    GATEWAY: r"^(cluster\.users/v1|listener_manager\.lds|http\.gateway/edge\.rds\..*)\.version$",
}
REBUILT = r"^(listener_manager\.(listener_modified|total_listeners_draining)|.*\.cluster_modified)$"


@dataclass(frozen=True, slots=True)
class Upgrades:
    stage: Stage
    server: Restartable

    async def received(self) -> Mapping[str, Mapping[str, int]]:
        """What each Envoy has received of what it had before the upgrade."""
        envoys = self.stage.envoys.items()
        return {name: await envoy.stats(f"{RECEIVED[name]}|{REBUILT}") for name, envoy in envoys}

    async def until_synced(self) -> None:
        async def synced() -> bool:
            states = await fleet.states(self.stage.scene)
            return states == dict.fromkeys(self.stage.envoys, "synced")

        await eventually(synced, "both nodes are synced")


@pytest.fixture
async def upgrades(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Upgrades]:
    builds.with_maps(monkeypatch)
    server = Restartable(scene, NeedsOrder(GRACE_S))
    async with staged(scene, server, BOTH_VARIANTS) as stage:
        running = Upgrades(stage, server)
        await running.until_synced()
        yield running


async def test_a_build_that_writes_the_same_messages_in_other_bytes_pushes_nothing(
    upgrades: Upgrades, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = upgrades.stage
    before = await upgrades.received()
    builds.with_maps_reversed(monkeypatch)
    async with loaded(stage) as load, load.change("another build"):
        await upgrades.server.restart()
        await upgrades.until_synced()
    assert await upgrades.received() == before
    put(stage, {"v1": 100, "v2": 0})  # what is new does go out, on the same streams, and alone
    await until_held(stage, "users/v2")
    await upgrades.until_synced()
    assert await upgrades.received() == before


async def test_where_equal_messages_do_not_count_the_same_build_pushes_everything(
    upgrades: Upgrades, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await upgrades.received()
    builds.with_maps_reversed(monkeypatch)
    await upgrades.server.restart(_only_bytes)

    async def pushed() -> bool:
        now = await upgrades.received()
        changed = {
            name: {key for key, value in now[name].items() if value != before[name][key]} for name in now
        }
        return len(changed[SIDECAR]) >= 2 and len(changed[GATEWAY]) >= 3

    await eventually(pushed, "both Envoys have received anew what they had")


def _only_bytes(_type_url: TypeUrl, one: bytes, other: bytes) -> bool:
    return one == other

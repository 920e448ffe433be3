"""A real Envoy that its control plane cannot reach for a while, beside one that it can."""

from dataclasses import dataclass, replace

from meshctl.verify.ports import free_ports
from meshctl.verify.processes import Envoy
from meshctl.verify.scene import GATEWAY, SIDECAR, Scene
from meshctl.verify.stage import Stage, staged
from meshctl.xds.ordering import NeedsOrder
from tests.real.conftest import BOTH_VARIANTS, GRACE_S
from tests.support import admin, fleet
from tests.support.orders import AtOnce
from tests.support.planes import in_process
from tests.support.shifts import loaded, put
from tests.support.throttle import throttle
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class Detour(Scene):
    """A scene whose sidecar reaches the control plane by way of another port."""

    by: int = 0

    async def envoy(self, name: str, api_type: str = "DELTA_GRPC") -> Envoy:
        """Start the node."""
        port = self.by if name == SIDECAR else self.ports.xds
        return await Scene(self.folder, replace(self.ports, xds=port)).envoy(name, api_type)


async def test_an_envoy_that_gets_a_kilobyte_a_second_serves_what_it_has_and_the_other_goes_on(
    scene: Scene,
) -> None:
    (by,) = free_ports(1)
    detour = Detour(scene.folder, scene.ports, by)
    plane = in_process(NeedsOrder(GRACE_S))
    async with (
        throttle(scene.control_plane, by) as proxy,
        staged(detour, plane, BOTH_VARIANTS) as stage,
        loaded(stage) as load,
    ):
        async with load.change("v1 replaced by v2 while the sidecar gets nothing"):
            proxy.limit(0)
            put(stage, {"v2": 100})
            await until(stage, GATEWAY, clusters={"users/v2"}, shares={"v2": 100})
            slow = await fleet.node(scene, SIDECAR)
            assert slow["state"] in ("sending", "waiting", "stalled")
            assert slow["reason"] == "routes egress/web waits for cluster users/v2"
            assert await held(stage, SIDECAR) == ({"users/v1"}, {"v1": 100})
        async with load.change("and then a kilobyte a second"):
            proxy.limit(1_000)
            await until(stage, SIDECAR, clusters={"users/v2"}, shares={"v2": 100})
        async with load.change("and then everything"):
            proxy.limit(None)
            put(stage, {"v1": 100})
            for node in (SIDECAR, GATEWAY):
                await until(stage, node, clusters={"users/v1"}, shares={"v1": 100})

            async def settled() -> bool:
                return set((await fleet.states(scene)).values()) == {"synced"}

            await eventually(settled, "both Envoys are synced")


async def test_control_in_an_order_that_looks_at_no_needs_the_slow_envoy_loses_requests(scene: Scene) -> None:
    (by,) = free_ports(1)
    detour = Detour(scene.folder, scene.ports, by)
    async with (
        throttle(scene.control_plane, by) as proxy,
        staged(detour, in_process(AtOnce()), BOTH_VARIANTS) as stage,
        stage.load() as load,
        load.change("v1 replaced by v2 at a kilobyte a second"),
    ):
        proxy.limit(1_000)
        put(stage, {"v2": 100})
        await until(stage, SIDECAR, clusters={"users/v2"}, shares={"v2": 100})
    assert load.report.tally.failed > 0


async def held(stage: Stage, node: str) -> tuple[set[str], dict[str, int]]:
    """The clusters of one Envoy, and how it shares out `users`."""
    envoy = stage.envoys[node]
    return set(await admin.clusters(envoy)), dict(await admin.shares(envoy, "users"))


async def until(stage: Stage, node: str, *, clusters: set[str], shares: dict[str, int]) -> None:
    """Wait until one Envoy has exactly these, warm."""

    async def reached() -> bool:
        return await held(stage, node) == (clusters, shares)

    await eventually(reached, f"{node} has {clusters} and {shares}")

"""Changes in waves, on three real gateways that see the same, under load: who has what, and when."""

from collections.abc import AsyncIterator

import pytest

from meshctl.serve.waves import Waves as Runs
from meshctl.verify.scene import USERS_FILE, Scene
from meshctl.verify.stage import Stage, staged
from tests.real.conftest import BOTH_VARIANTS, GRACE_S
from tests.support import admin, fleet
from tests.support.gateways import Gateways, three
from tests.support.mesh import until_in_force
from tests.support.planes import Killable
from tests.support.shell import typed
from tests.support.shifts import loaded
from tests.support.shows import shows
from tests.support.waiting import eventually

OLD, NEW = "15s", "7s"


@pytest.fixture
async def gateways(stage: Stage) -> AsyncIterator[Gateways]:
    async with three(stage) as found:
        yield found


@shows("mesh.waves.hold")
async def test_route_goes_to_one_node_first_and_after_the_hold_to_the_others(gateways: Gateways) -> None:
    async with loaded(gateways.stage) as load:
        async with load.change("a timeout, in its first wave"):
            gateways.write_users(NEW)
            await gateways.until_having(NEW, 1)
            await gateways.until_states({"synced": 1, "held": 2})
        async with load.change("the hold is over"):
            gateways.write_waves("0s")
            await gateways.until_having(NEW, 3)
            await gateways.until_states({"synced": 3})
    assert (await fleet.catalog(gateways.scene))["waves"] == []


@shows("mesh.waves.shares")
async def test_first_wave_is_as_large_as_the_catalog_says(gateways: Gateways) -> None:
    gateways.write_waves("1h", ("2", "100%"))
    await until_in_force(gateways.scene)
    gateways.write_users(NEW)
    await gateways.until_having(NEW, 2)
    await gateways.until_states({"synced": 2, "held": 1})


async def test_endpoints_weights_and_undo_reach_all_nodes_in_the_middle_of_a_wave(gateways: Gateways) -> None:
    more = f"127.0.0.2:{gateways.scene.ports.v1}"  # the backend does not listen there
    async with loaded(gateways.stage) as load:
        gateways.write_users(NEW)
        (first,) = await gateways.until_having(NEW, 1)
        async with load.change("weights"):
            gateways.write_users(NEW, {"v1": 50, "v2": 50})
            await _until_shares(gateways, {"v1": 50, "v2": 50})
            assert await gateways.having(NEW) == {first}
        async with load.change("undo"):
            gateways.write_users("", {"v1": 50, "v2": 50})
            await gateways.until_having(OLD, 3)
            await gateways.until_states({"synced": 3})
    gateways.write_users(NEW, {"v1": 50, "v2": 50})
    await gateways.until_having(NEW, 1)
    gateways.write_users(NEW, {"v1": 50, "v2": 50}, more)

    async def everywhere() -> bool:
        found = [await admin.endpoints(envoy, "users/v1") for envoy in gateways.envoys.values()]
        return found == [2, 2, 2]

    await eventually(everywhere, "all gateways have the new endpoint")
    assert len(await gateways.having(NEW)) == 1


async def test_new_node_gets_what_reached_all_and_a_reconnecting_one_keeps_its_wave(
    gateways: Gateways,
) -> None:
    gateways.write_users(NEW)
    (first,) = await gateways.until_having(NEW, 1)
    await gateways.add("gateway-4")
    assert await gateways.having(NEW) == {first}
    await gateways.restart(first)
    await gateways.until_having(NEW, 1)
    assert await gateways.having(NEW) == {first}


async def _until_shares(gateways: Gateways, weights: dict[str, int]) -> None:
    async def taken() -> bool:
        found = [await admin.shares(envoy, "users") for envoy in gateways.envoys.values()]
        return all(share == weights for share in found)

    await eventually(taken, f"all gateways serve users by {weights}")


async def test_wrong_but_valid_route_hits_one_node(gateways: Gateways) -> None:
    _write_wrong(gateways)
    await _until_hit(gateways, 1)
    assert len(await gateways.having_version("v3")) == 1
    gateways.write_users()
    await gateways.until_states({"synced": 3})


async def test_control_without_waves_a_wrong_but_valid_route_hits_all_nodes(
    gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runs, "first", lambda runs, view: frozenset(_everybody(runs, view)))
    _write_wrong(gateways)
    await _until_hit(gateways, 3)


async def test_killed_server_keeps_each_nodes_wave(scene: Scene) -> None:
    server = Killable(scene, GRACE_S)
    async with staged(scene, server, BOTH_VARIANTS) as stage, three(stage) as gateways:
        async with loaded(stage) as load:
            gateways.write_users(NEW)
            (first,) = await gateways.until_having(NEW, 1)
            await eventually(lambda: _is_saved(scene), "the wave is on disk")
            async with load.change("kill -9 in the middle of a wave"):
                await server.kill()
                await server.start("/readyz")
                await gateways.until_states({"synced": 1, "held": 2})
                assert await gateways.having(NEW) == {first}
            async with load.change("the waves go on"):
                gateways.write_waves("0s")
                await gateways.until_having(NEW, 3)
        applied = await typed(
            f"meshctl apply {scene.catalog} --server {scene.control_plane}", gateways.scene.folder
        )
    assert applied.out == f"applied: all connected nodes (4) have 4 files of {scene.catalog}\n"


async def _is_saved(scene: Scene) -> bool:
    """Whether what was published last is on disk."""
    saved = await fleet.metric(scene, "meshctl_state_timestamp_seconds")
    return saved >= await fleet.metric(scene, "meshctl_published_timestamp_seconds")


def _everybody(runs: Runs, view: str) -> list[str]:
    runs._begun.add(view)
    post = runs._posts.named(view)
    return [seat.node for seat in post.seats] if post else []


def _write_wrong(gateways: Gateways) -> None:
    """A version where nobody listens gets all requests."""
    text = gateways.scene.users({"v1": 100, "v2": 0})
    text = text.replace("serving: v1", "serving: v3").replace(
        "serving:", "  v3: {endpoints: [127.0.0.1:9]}\nserving:"
    )
    gateways.scene.write(USERS_FILE, text)


async def _until_hit(gateways: Gateways, number: int) -> None:
    """Under load, until so many gateways have answered 503."""
    async with gateways.stage.load():

        async def hit() -> bool:
            return len(await gateways.counting(r"^http\.gateway/edge\.downstream_rq_5xx$")) == number

        await eventually(hit, f"{number} gateways have answered 503")

"""What too many nodes refuse, on real gateways that see the same, under load: who gets it, what goes on."""

from collections.abc import AsyncIterator

import pytest

from meshctl.cli.answers import Held
from meshctl.serve.holds import Holds
from meshctl.verify.scene import USERS_FILE
from meshctl.verify.stage import Stage
from tests.support import admin, faults, fleet
from tests.support.gateways import Gateways, three
from tests.support.shell import typed
from tests.support.shifts import loaded
from tests.support.waiting import eventually


@pytest.fixture
async def gateways(stage: Stage) -> AsyncIterator[Gateways]:
    async with three(stage) as found:
        yield found


async def test_what_the_first_nodes_refuse_is_held_and_what_changes_beside_it_reaches_all(
    gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults.bad_cluster(monkeypatch, "users/v3", "hunter2")
    gateways.write_waves("0s")
    async with loaded(gateways.stage) as load:
        async with load.change("a cluster that Envoy refuses, a good one, and a timeout"):
            _write_versions(gateways, "v3", "v4")
            await gateways.until_having("7s", 3)
            await gateways.until_states({"refused": 2, "held": 1})
        (held,) = await _held(gateways)
        async with load.change("a node that holds nothing starts"):
            await gateways.add("gateway-4")
            await gateways.until_having("7s", 4)
        listed = await typed(
            f"meshctl fleet list --server {gateways.scene.control_plane}", gateways.scene.folder
        )
        refused = await gateways.counting(r"^cluster_manager\.cds\.update_rejected$")
        await eventually(lambda: _both(gateways), "it is held back in the sidecar's view, too")
        async with load.change("repaired"):
            _write_versions(gateways, "v4")
            await gateways.until_states({"synced": 4})
    assert len(refused) == 2
    assert (held["type"], held["resource"], held["nodes"]) == ("cds", "users/v3", 2)
    assert held["serving"] == "nothing"
    assert "MaxEjectionPercent" in held["reason"]
    assert [at["file"] for at in held["locations"]] == [USERS_FILE]
    assert f"cds users/v3, refused by 2 nodes: {held['reason']} ({USERS_FILE}:" in listed.out
    assert await _held(gateways) == []


async def test_endpoints_that_two_nodes_refuse_are_given_to_none_that_comes(
    gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with loaded(gateways.stage) as load, load.change("endpoints that Envoy refuses, and a new node"):
        await _write_bad_endpoints(gateways, monkeypatch)
        await _until_held(gateways)
        await gateways.add("gateway-4")
        await _until_endpoints(gateways, "gateway-4", 1)
    (held,) = await _held(gateways)
    assert (held["resource"], held["serving"]) == ("users/v1", "last good")
    assert held["nodes"] >= 2


async def test_endpoints_that_are_refused_keep_none_that_came_with_them_from_any_node(
    gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = gateways.scene.ports
    faults.host_name_for_port(monkeypatch, ports.web)
    async with loaded(gateways.stage) as load, load.change("endpoints of two versions, of one refused"):
        good = f"[127.0.0.1:{ports.v2}, 127.0.0.2:{ports.v2}]"
        text = gateways.scene.users({"v1": 100, "v2": 0}).replace(f"[127.0.0.1:{ports.v2}]", good)
        bad = f"[127.0.0.1:{ports.v1}, 127.0.0.1:{ports.web}]"
        gateways.scene.write(USERS_FILE, text.replace(f"[127.0.0.1:{ports.v1}]", bad))
        for name in gateways.envoys:
            await _until_endpoints(gateways, name, 2, of="users/v2")
        await _until_held(gateways)
    (held,) = await _held(gateways)
    assert (held["resource"], held["serving"]) == ("users/v1", "last good")
    assert [await admin.endpoints(one, "users/v1") for one in gateways.envoys.values()] == [1, 1, 1]


async def test_control_without_holding_back_a_node_that_comes_has_no_endpoints(
    gateways: Gateways, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Holds, "due", lambda _holds, _snapshot: {})
    await _write_bad_endpoints(gateways, monkeypatch)
    await gateways.until_states({"refused": 3})
    await gateways.add("gateway-4")
    await gateways.until_states({"refused": 4})
    assert await admin.endpoints(gateways.envoys["gateway-4"], "users/v1") == 0


def _write_versions(gateways: Gateways, *names: str) -> None:
    """More versions of `users`, and another timeout of its requests."""
    lines = "".join(f"  {name}: {{endpoints: [127.0.0.1:9]}}\n" for name in names)
    text = gateways.scene.users({"v1": 100, "v2": 0}).replace("serving:", f"{lines}serving:")
    gateways.scene.write(USERS_FILE, text + "timeouts: {request: 7s}\n")


async def _write_bad_endpoints(gateways: Gateways, monkeypatch: pytest.MonkeyPatch) -> None:
    port = gateways.scene.ports.web
    faults.host_name_for_port(monkeypatch, port)
    gateways.write_users(more=f"127.0.0.1:{port}")


async def _held(gateways: Gateways) -> list[Held]:
    """What is held back from the gateways."""
    found = (await fleet.catalog(gateways.scene))["held"]
    return [one for one in found if one["view"].startswith("gateway/")]


async def _both(gateways: Gateways) -> bool:
    return await fleet.metric(gateways.scene, "meshctl_held_resources") == 2


async def _until_held(gateways: Gateways) -> None:
    async def held() -> bool:
        return bool(await _held(gateways))

    await eventually(held, "something is held back from the gateways")


async def _until_endpoints(gateways: Gateways, name: str, number: int, *, of: str = "users/v1") -> None:
    async def there() -> bool:
        return await admin.endpoints(gateways.envoys[name], of) == number

    await eventually(there, f"{name} has {number} endpoints of {of}")

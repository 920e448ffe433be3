"""Endpoints that become a name, and a name that becomes endpoints, under load, by delta and by SotW."""

from meshctl.verify.scene import USERS_FILE
from meshctl.verify.stage import Stage
from tests.support import admin
from tests.support.shifts import loaded, until_gone
from tests.support.waiting import eventually

_ADDRESS, _NAME = "[127.0.0.1:{}]", "{{dns: 'localhost:{}'}}"


def users(stage: Stage, version: str, endpoints: str) -> None:
    """`users` has this version alone, reached there: v1 or v2."""
    port = stage.scene.ports.v1 if version == "v1" else stage.scene.ports.v2
    text = stage.scene.users({version: 100})
    stage.scene.write(USERS_FILE, text.replace(_ADDRESS.format(port), endpoints.format(port)))


async def until_a_name(stage: Stage, cluster: str, *, looked_up: bool) -> None:
    """Wait until both Envoys look the endpoints of a cluster up by name, or do not."""

    async def taken() -> bool:
        found = [await admin.cluster_messages(envoy) for envoy in stage.envoys.values()]
        return [("cluster_type" in one.get(cluster, {})) for one in found] == [looked_up, looked_up]

    await eventually(taken, f"the endpoints of {cluster} are {'a name' if looked_up else 'addresses'}")


async def test_endpoints_that_become_a_name_and_addresses_again_lose_no_request(stage: Stage) -> None:
    async with loaded(stage) as load:
        async with load.change("a name"):
            users(stage, "v1", _NAME)
            await until_a_name(stage, "users/v1", looked_up=True)
        async with load.change("addresses again"):
            users(stage, "v1", _ADDRESS)
            await until_a_name(stage, "users/v1", looked_up=False)


async def test_a_version_that_is_replaced_by_one_with_a_name_loses_no_request(stage: Stage) -> None:
    async with loaded(stage) as load, load.change("v1 replaced by a name"):
        users(stage, "v2", _NAME)
        await until_a_name(stage, "users/v2", looked_up=True)
        await until_gone(stage, "users/v1")

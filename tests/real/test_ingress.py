"""The way into a service through its own sidecar, while its process moves."""

from functools import partial

from meshctl.verify.connection import get
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import Envoy
from meshctl.verify.report import LoadReport
from meshctl.verify.scene import USERS_FILE, Scene
from meshctl.verify.stage import Stage
from tests.support import admin, fleet
from tests.support.beside import beside
from tests.support.shifts import assert_nothing_lost
from tests.support.waiting import eventually

BESIDE = "beside-users"
TAKEN = r"^http\.ingress/users\.downstream_rq_2xx$"


def put(scene: Scene, port: int, target_port: int | None) -> None:
    """`users` is reached on `port`, and its process behind a sidecar on `target_port`, if that is given."""
    behind = f"target_port: {target_port}\n" if target_port else ""
    exposed = "expose: [{on: edge, host: api.example.com}]\n"
    scene.write(USERS_FILE, f"service: users\nport: {port}\n{behind}endpoints: [127.0.0.1]\n{exposed}")


async def hands_over_to(own: Envoy, port: int) -> bool:
    """Whether a sidecar's process is on this port of loopback."""
    cluster = (await admin.cluster_messages(own)).get("inbound/users")
    return cluster is not None and f"'port_value': {port}" in str(cluster)


async def answers(stage: Stage, version: str) -> bool:
    """Whether both ways to `users` end at this version."""
    responses = [await get(target.port, "/", target.headers) for target in stage.targets]
    return all(response.body.decode() == f"{version}\n" for response in responses)


async def is_the_way(own: Envoy, stage: Stage) -> bool:
    """Whether both ways to `users` lead through its own sidecar; nobody else may ask meanwhile."""
    before = await own.stats(TAKEN)
    await answers(stage, "v1")
    return sum((await own.stats(TAKEN)).values()) == sum(before.values()) + len(stage.targets)


async def moved(stage: Stage, target_port: int) -> LoadReport:
    """What load on `users` sees while its process moves from the port of v1 to this one."""
    (port,) = free_ports(1)
    async with beside(stage.scene, "users") as own:
        put(stage.scene, port, stage.scene.ports.v1)
        await eventually(partial(hands_over_to, own, stage.scene.ports.v1), "the sidecar has the process")
        await eventually(partial(is_the_way, own, stage), "both ways lead through the sidecar")
        async with stage.load() as load, load.change("another target_port"):
            put(stage.scene, port, target_port)
            await eventually(partial(hands_over_to, own, target_port), "the sidecar has the other port")
        return load.report


async def test_a_process_that_moves_to_another_port_loses_no_request(stage: Stage) -> None:
    report = await moved(stage, stage.scene.ports.v2)
    assert_nothing_lost(report)
    assert {version for _, version in report.tally.versions} == {"v1", "v2"}


async def test_a_port_on_which_no_process_listens_loses_requests(stage: Stage) -> None:
    (nobody,) = free_ports(1)
    assert (await moved(stage, nobody)).tally.failed > 0


async def test_a_sidecar_waits_for_the_port_that_its_process_still_has(stage: Stage) -> None:
    ports = stage.scene.ports
    async with beside(stage.scene, "users"):
        put(stage.scene, ports.v1, None)
        await eventually(partial(answers, stage, "v1"), "callers reach the process itself")
        put(stage.scene, ports.v1, ports.v2)

        async def refused() -> bool:
            return (await fleet.node(stage.scene, BESIDE))["state"] == "refused"

        await eventually(refused, "the sidecar cannot have the port")
        (refusal,) = (await fleet.node(stage.scene, BESIDE))["refusals"]
        assert (refusal["resource"], "Address already in use" in refusal["reason"]) == ("ingress/users", True)
        assert [(at["file"], at["line"]) for at in refusal["locations"]] == [(USERS_FILE, 2)]
        assert await answers(stage, "v1")
        await stage.backends["v1"].stop()
        await eventually(partial(answers, stage, "v2"), "the sidecar has taken the port")

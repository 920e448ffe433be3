"""What a real Envoy refuses: who is told, what goes on, and how it comes right again."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from meshctl.cli.answers import Node
from meshctl.verify.connection import get
from meshctl.verify.ports import free_ports
from meshctl.verify.scene import GATEWAY, SIDECAR, USERS_FILE
from meshctl.verify.stage import Stage
from meshctl.xds import quarantine
from tests.support import admin, faults, fleet
from tests.support.shifts import loaded, until_held, until_shares
from tests.support.waiting import eventually

EDGE_FILE = "edge/edge.yaml"
NODES = (SIDECAR, GATEWAY)


async def until_state(stage: Stage, state: str) -> list[Node]:
    """Wait until both nodes are in this state, and return them."""

    async def reached() -> bool:
        return set((await fleet.states(stage.scene)).values()) == {state}

    await eventually(reached, f"both nodes are {state}")
    return [await fleet.node(stage.scene, name) for name in NODES]


async def test_endpoints_refused_during_a_shift_leave_the_traffic_where_it_is_until_they_are_repaired(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = stage.scene.ports
    faults.host_name_for_port(monkeypatch, ports.web)
    right = stage.scene.users({"v1": 50, "v2": 50})
    async with loaded(stage) as load:
        async with load.change("a shift whose endpoints are refused") as refused:
            stage.scene.write(USERS_FILE, right.replace(str(ports.v2), str(ports.web)))
            nodes = await until_state(stage, "refused")
        assert refused.report.tally.version("v2") == 0
        assert [await admin.shares(envoy, "users") for envoy in stage.envoys.values()] == [{"v1": 100}] * 2
        async with load.change("repaired"):
            stage.scene.write(USERS_FILE, right)
            await until_shares(stage, {"v1": 50, "v2": 50})
            await until_state(stage, "synced")
    for node in nodes:
        (refusal,) = node["refusals"]
        assert (refusal["type"], refusal["resource"]) == ("eds", "users/v2")
        assert "malformed IP address: backend.internal" in refusal["reason"]
        assert [(at["file"], at["line"]) for at in refusal["locations"]] == [(USERS_FILE, 5)]


async def test_of_three_clusters_in_one_answer_the_bad_one_is_named_and_the_others_are_used(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults.bad_cluster(monkeypatch, "users/v3", "hunter2")
    text = stage.scene.users({"v1": 100, "v2": 0})
    line = "  v3: {endpoints: [127.0.0.1:9]}\n  v4: {endpoints: [127.0.0.1:9]}\nserving:"
    async with loaded(stage) as load, load.change("three new clusters, one of them bad"):
        stage.scene.write(USERS_FILE, text.replace("serving:", line))
        nodes = await until_state(stage, "refused")
        await until_held(stage, "users/v2", "users/v4")
    for node in nodes:
        (refusal,) = node["refusals"]
        assert (refusal["type"], refusal["resource"]) == ("cds", "users/v3")
        assert "MaxEjectionPercent" in refusal["reason"]
        assert [(at["file"], at["line"]) for at in refusal["locations"]] == [(USERS_FILE, 6)]
        assert "hunter2" not in str(node)
    for envoy in stage.envoys.values():
        assert "hunter2" in envoy.log_tail()  # it was in Envoy's words


async def test_a_cluster_that_comes_after_a_refused_one_is_used_before_that_is_repaired(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults.bad_cluster(monkeypatch, "users/v3", "hunter2")
    text = stage.scene.users({"v1": 100, "v2": 0})
    bad = text.replace("serving:", "  v3: {endpoints: [127.0.0.1:9]}\nserving:")
    async with loaded(stage) as load, load.change("a bad cluster, and a good one after it"):
        stage.scene.write(USERS_FILE, bad)
        await until_state(stage, "refused")
        stage.scene.write(USERS_FILE, bad.replace("serving:", "  v4: {endpoints: [127.0.0.1:9]}\nserving:"))
        await until_held(stage, "users/v4")


async def test_a_listener_whose_address_another_process_has_comes_when_that_ends(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "LAST_RETRY", 2.0)  # however long the load went on meanwhile
    with _taken() as port:
        async with loaded(stage) as load, load.change("a port that another process has"):
            _move_gateway(stage, port)
            await _until_refused(stage)
        (refusal,) = (await fleet.node(stage.scene, GATEWAY))["refusals"]
        assert "Address already in use" in refusal["reason"]
        assert (await fleet.catalog(stage.scene))["held"] == []
    await until_state(stage, "synced")
    assert (await get(port, "/", {"host": "api.example.com"})).status == 200


async def test_control_a_listener_whose_address_is_taken_is_held_where_no_cause_may_pass(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "may_pass", lambda _reason: False)
    with _taken() as port:
        _move_gateway(stage, port)
        await _until_refused(stage)

        async def held() -> bool:
            return [one["type"] for one in (await fleet.catalog(stage.scene))["held"]] == ["lds"]

        await eventually(held, "the listener is held back, until its entry changes")


@contextmanager
def _taken() -> Iterator[int]:
    """A port where somebody else listens, and nobody afterwards."""
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        yield port


def _move_gateway(stage: Stage, port: int) -> None:
    text = (stage.scene.catalog / EDGE_FILE).read_text(encoding="utf-8")
    stage.scene.write(EDGE_FILE, text.replace(str(stage.scene.ports.edge), str(port)))


async def _until_refused(stage: Stage) -> None:
    async def refused() -> bool:
        return (await fleet.states(stage.scene))[GATEWAY] == "refused"

    await eventually(refused, "the gateway refused its listener")


async def test_a_comment_put_on_top_of_a_file_pushes_nothing_and_moves_the_line_of_a_refusal(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = stage.scene.ports
    faults.host_name_for_port(monkeypatch, ports.web)
    text = stage.scene.users({"v1": 100, "v2": 0}).replace(str(ports.v2), str(ports.web))
    stage.scene.write(USERS_FILE, text)
    await until_state(stage, "refused")
    before = await _pushed(stage)
    stage.scene.write(USERS_FILE, "# Owned by accounts.\n" + text)

    async def moved() -> bool:
        nodes = [await fleet.node(stage.scene, name) for name in NODES]
        return {node["refusals"][0]["locations"][0]["line"] for node in nodes} == {6}

    await eventually(moved, "the refusal is told with its new line")
    assert await _pushed(stage) == before


async def _pushed(stage: Stage) -> tuple[object, ...]:
    """The revision, what the server has sent, and what each Envoy has received of each type of resource."""
    revision = await fleet.metric(stage.scene, "meshctl_revision")
    pushes = await fleet.metric(stage.scene, "meshctl_pushes_total")
    received = [await envoy.stats(r"\.update_(attempt|rejected|success)$") for envoy in stage.envoys.values()]
    return (revision, pushes, *received)

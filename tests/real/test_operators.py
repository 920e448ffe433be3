"""What an operator sees of real Envoys: the configuration that they have, and why they lack the rest."""

import asyncio
import json
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from envoy.admin.v3.config_dump_shared_pb2 import ClientResourceStatus
from envoy.service.status.v3.csds_pb2 import (
    ConfigStatus,
)

from meshctl.cli import client
from meshctl.cli.main import run
from meshctl.envoy.bootstrap import Identity, bootstrap
from meshctl.names import ENDPOINTS, Role
from meshctl.verify.connection import get
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import Envoy
from meshctl.verify.scene import GATEWAY, SIDECAR, USERS_FILE, Scene
from meshctl.verify.stage import Stage, staged
from meshctl.xds import stream
from tests.support import admin, faults, fleet
from tests.support.csds import of_type, statuses
from tests.support.logs import parse
from tests.support.standing import refused, synced, until_states
from tests.support.waiting import eventually

Shown = Mapping[str, Any]


async def typed(capsys: pytest.CaptureFixture[str], scene: Scene, *words: str) -> Shown:
    """What `meshctl fleet ...` prints, as data."""
    command = ["fleet", *words, "--server", scene.control_plane, "--output", "json"]
    assert await asyncio.to_thread(run, command) == 0
    shown: Shown = json.loads(capsys.readouterr().out)
    return shown


async def test_config_is_what_the_envoy_itself_dumps(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    await synced(stage)
    for name in (SIDECAR, GATEWAY):
        shown = await typed(capsys, stage.scene, "config", name)
        assert shown["differs"] == []
        assert {one["name"]: one for one in shown["cds"]} == await admin.cluster_messages(stage.envoys[name])
        assert [one["name"] for one in shown["lds"]] == [one["name"] for one in shown["rds"]]


async def test_config_of_a_synced_node_is_what_render_says_that_it_shall_get(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    await synced(stage)
    for name in (SIDECAR, GATEWAY):
        shown = await typed(capsys, stage.scene, "config", name)
        command = ["render", "--node", name, "--server", stage.scene.control_plane]
        command += ["--catalog", str(stage.scene.catalog), "--output", "json"]
        assert await asyncio.to_thread(run, command) == 0
        assert json.loads(capsys.readouterr().out) | {"differs": []} == shown


async def test_refused_endpoints_are_told_by_csds_by_config_and_by_why(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = stage.scene.ports
    await synced(stage)
    before = of_type(await statuses(stage.scene, node=SIDECAR), ENDPOINTS)["users/v1"]
    faults.host_name_for_port(monkeypatch, ports.web)
    right = stage.scene.users({"v1": 100})
    stage.scene.write(USERS_FILE, right.replace(str(ports.v1), str(ports.web)))
    await refused(stage)

    told = of_type(await statuses(stage.scene, node=SIDECAR), ENDPOINTS)["users/v1"]
    assert told.config_status == ConfigStatus.ERROR
    assert told.client_status == ClientResourceStatus.NACKED
    assert "malformed IP address: backend.internal" in told.error_state.details
    assert told.error_state.version_info != told.version_info
    assert (told.version_info, told.xds_config) == (before.version_info, before.xds_config)

    [differs] = (await typed(capsys, stage.scene, "config", SIDECAR))["differs"]
    assert (differs["type"], differs["name"], differs["state"]) == ("eds", "users/v1", "refused")
    assert (differs["version"], differs["wanted"]) == (told.version_info, told.error_state.version_info)

    [cause] = (await typed(capsys, stage.scene, "why", SIDECAR))["causes"]
    assert cause["kind"] == "refused"
    assert "malformed IP address: backend.internal" in cause["said"]
    [origin] = cause["origins"]
    assert (origin["entry"], origin["team"]) == ("service users", "accounts")
    assert (origin["location"]["file"], origin["location"]["line"]) == (USERS_FILE, 4)

    stage.scene.write(USERS_FILE, right)
    await synced(stage)
    [cause] = (await typed(capsys, stage.scene, "why", SIDECAR))["causes"]
    assert cause["kind"] == "synced"


async def test_an_envoy_that_hangs_is_stalled_alone_and_why_says_since_when(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stream, "STALLED_AFTER", 1.0)
    await synced(stage)
    stage.envoys[SIDECAR].signal(signal.SIGSTOP)
    stage.scene.write(USERS_FILE, stage.scene.users({"v1": 100, "v2": 0}))
    await until_states(stage, {SIDECAR: "stalled", GATEWAY: "synced"})
    shown = await typed(capsys, stage.scene, "why", SIDECAR)
    assert {cause["kind"] for cause in shown["causes"]} == {"stalled"}
    assert "has not answered the last" in shown["causes"][0]["words"]
    node = (await typed(capsys, stage.scene, "show", SIDECAR))["node"]
    assert int(node["revision"]) < int(node["view_revision"])
    apply = ["apply", str(stage.scene.catalog), "--server", stage.scene.control_plane, "--timeout", "60s"]
    await fleet.skip_waves(stage.scene)  # else the wave to the only node of its view is what stops
    assert await asyncio.to_thread(run, apply) == 5
    words = f"Error: not all nodes have it: {SIDECAR} is stalled: the last "
    assert words in capsys.readouterr().err, "it ended before its time was over"
    stage.envoys[SIDECAR].signal(signal.SIGCONT)
    await synced(stage)
    assert await asyncio.to_thread(run, apply) == 0
    assert capsys.readouterr().out.startswith("applied: all connected nodes (2) have ")


async def test_an_envoy_of_an_unknown_service_is_told_the_nearest_name(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [admin_port] = free_ports(1)
    identity = Identity(Role.SIDECAR, ("wbe",), "stranger")
    text = json.dumps(bootstrap(identity, stage.scene.control_plane, admin_port))
    async with await Envoy.run("stranger", text, admin_port, tmp_path):
        await until_states(stage, {SIDECAR: "synced", GATEWAY: "synced", "stranger": "unknown"})
        [cause] = (await typed(capsys, stage.scene, "why", "stranger"))["causes"]
        config = ["fleet", "config", "stranger", "--server", stage.scene.control_plane]
        assert await asyncio.to_thread(run, config) == 1
        said = capsys.readouterr()
    assert cause["kind"] == "unknown"
    words = "unknown service 'wbe'; the nearest name is 'web'"
    assert words in cause["words"]
    assert (said.out, said.err) == ("", f"Error: stranger was given nothing: {words}\n")
    assert cause["next"] == [
        "write the entry, or start the node with the right name: meshctl bootstrap sidecar --service NAME"
    ]


async def test_a_change_is_measured_once_for_each_envoy_that_it_concerns(stage: Stage) -> None:
    await synced(stage)
    assert await fleet.metric(stage.scene, "meshctl_change_seconds_count") == 0  # connecting is no change
    text = stage.scene.users({"v1": 100})
    stage.scene.write(USERS_FILE, text.replace(f"127.0.0.1:{stage.scene.ports.v1}", "127.0.0.1:9"))

    async def acknowledged() -> bool:
        return await fleet.metric(stage.scene, "meshctl_change_seconds_count") >= 2

    await eventually(acknowledged, "both nodes have acknowledged the change")
    await synced(stage)
    page = (await get(stage.scene.ports.http, "/metrics")).body.decode()
    assert re.findall(r'meshctl_change_seconds_count\{type="(\w+)"\} (\S+)', page) == [("eds", "2.0")]
    assert await fleet.metric(stage.scene, "meshctl_publish_seconds_count") == 1
    assert await fleet.metric(stage.scene, "meshctl_change_seconds_sum") > 0


async def test_every_line_of_a_servers_log_is_an_event_with_fields(scene: Scene) -> None:
    async with staged(scene) as stage:
        await synced(stage)
        right = scene.users({"v1": 100, "v2": 0})
        scene.write(USERS_FILE, right + "prot: 1\n")
        await until_catalog(scene, "broken")
        scene.write(USERS_FILE, right)
        await until_catalog(scene, "current")
        (scene.catalog / "edge/edge.yaml").unlink()
        await until_catalog(scene, "guarded")
        guarded = (await fleet.catalog(scene))["guarded"]
        await asyncio.to_thread(client.confirm, scene.control_plane, guarded["hash"], "ann b")
        await stage.envoys[SIDECAR].stop()
    text = (scene.folder / "serve.log").read_text(encoding="utf-8")
    people = ("xDS and fleet on ", "next, in another terminal: ")  # for whoever typed the command
    lines = [line for line in text.splitlines() if not line.startswith(people)]
    found = [parse(line) for line in lines]
    assert [line for line, one in zip(lines, found, strict=True) if one is None] == []
    events = {one.event: one.fields for one in found if one is not None}
    assert events.keys() >= {"published", "held back", "guarded", "confirmed", "connected", "disconnected"}
    assert USERS_FILE in [
        one.fields["entry"] for one in found if one is not None and one.event == "held back"
    ]
    assert events["confirmed"]["by"].startswith("ann b at ipv4:127.0.0.1:")


async def until_catalog(scene: Scene, state: str) -> None:
    async def reached() -> bool:
        return (await fleet.catalog(scene))["state"] == state

    await eventually(reached, f"the catalog is {state}")


async def test_a_node_whose_envoy_has_stopped_is_disconnected(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    await synced(stage)
    await stage.envoys[SIDECAR].stop()

    async def gone() -> bool:
        return SIDECAR not in await fleet.states(stage.scene)

    await eventually(gone, "the sidecar has left")
    [cause] = (await typed(capsys, stage.scene, "why", SIDECAR))["causes"]
    assert cause["kind"] == "disconnected"
    command = ["fleet", "config", SIDECAR, "--server", stage.scene.control_plane]
    assert await asyncio.to_thread(run, command) == 1
    assert "is not connected" in capsys.readouterr().err

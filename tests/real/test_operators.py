"""What an operator sees of real Envoys: the configuration that they have, and why they lack the rest."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import grpc
import pytest
from envoy.admin.v3.config_dump_shared_pb2 import ClientResourceStatus
from envoy.service.status.v3.csds_pb2 import (
    ClientConfig,
    ClientStatusRequest,
    ClientStatusResponse,
    ConfigStatus,
)
from envoy.type.matcher.v3.node_pb2 import NodeMatcher
from envoy.type.matcher.v3.string_pb2 import StringMatcher

from meshctl.cli import client
from meshctl.cli.main import run
from meshctl.names import CLUSTER, ENDPOINTS, TypeUrl
from meshctl.verify.connection import get
from meshctl.verify.scene import GATEWAY, SIDECAR, USERS_FILE, Scene
from meshctl.verify.stage import Stage, staged
from tests.support import admin, faults, fleet
from tests.support.logs import parse
from tests.support.waiting import eventually

CSDS = "/envoy.service.status.v3.ClientStatusDiscoveryService/"
Shown = Mapping[str, list[dict[str, Any]]]


async def synced(stage: Stage) -> None:
    async def reached() -> bool:
        return set((await fleet.states(stage.scene)).values()) == {"synced"}

    await eventually(reached, "both nodes are synced")


async def refused(stage: Stage) -> None:
    async def reached() -> bool:
        return set((await fleet.states(stage.scene)).values()) == {"refused"}

    await eventually(reached, "both nodes are refused")


async def statuses(scene: Scene, *, node: str) -> ClientConfig:
    """One node's status, as a generic client of CSDS asks for it."""
    matcher = NodeMatcher(node_id=StringMatcher(exact=node))
    async with grpc.aio.insecure_channel(scene.control_plane) as channel:
        fetch = channel.unary_unary(
            f"{CSDS}FetchClientStatus",
            request_serializer=ClientStatusRequest.SerializeToString,
            response_deserializer=ClientStatusResponse.FromString,
        )
        [config] = (await fetch(ClientStatusRequest(node_matchers=[matcher]))).config
    return config


def of_type(config: ClientConfig, type_url: TypeUrl) -> dict[str, ClientConfig.GenericXdsConfig]:
    return {one.name: one for one in config.generic_xds_configs if one.type_url == type_url}


async def typed(capsys: pytest.CaptureFixture[str], scene: Scene, *words: str) -> Shown:
    """What `meshctl fleet ...` prints, as data."""
    command = ["fleet", *words, "--server", scene.control_plane, "--output", "json"]
    assert await asyncio.to_thread(run, command) == 0
    shown: Shown = json.loads(capsys.readouterr().out)
    return shown


async def test_csds_tells_of_each_resource_the_version_that_the_envoy_has(stage: Stage) -> None:
    await synced(stage)
    for name in (SIDECAR, GATEWAY):
        config = await statuses(stage.scene, node=name)
        assert config.node.id == name
        assert {one.config_status for one in config.generic_xds_configs} == {ConfigStatus.SYNCED}
        assert {one.client_status for one in config.generic_xds_configs} == {ClientResourceStatus.ACKED}
        assert of_type(config, CLUSTER).keys() == await admin.clusters(stage.envoys[name])
    sidecar = of_type(await statuses(stage.scene, node=SIDECAR), CLUSTER)
    told = {name: one.version_info for name, one in sidecar.items()}
    assert told == await admin.cluster_versions(stage.envoys[SIDECAR])  # by delta each has its own


async def test_a_stream_of_csds_answers_each_request_with_what_is_there_then(stage: Stage) -> None:
    await synced(stage)
    async with grpc.aio.insecure_channel(stage.scene.control_plane) as channel:
        call = channel.stream_stream(
            f"{CSDS}StreamClientStatus",
            request_serializer=ClientStatusRequest.SerializeToString,
            response_deserializer=ClientStatusResponse.FromString,
        )()
        await call.write(ClientStatusRequest())
        first = await call.read()
        stage.scene.write("accounts/more.yaml", "service: more\nport: 1\nendpoints: [127.0.0.1]\n")
        await call.write(ClientStatusRequest(exclude_resource_contents=True))
        second = await call.read()
        await call.done_writing()
    assert isinstance(first, ClientStatusResponse)
    assert isinstance(second, ClientStatusResponse)
    assert (
        {one.node.id for one in first.config} == {one.node.id for one in second.config} == {SIDECAR, GATEWAY}
    )
    contents = [one.HasField("xds_config") for one in first.config[0].generic_xds_configs]
    assert all(contents)
    assert not any(one.HasField("xds_config") for one in second.config[0].generic_xds_configs)


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

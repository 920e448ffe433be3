"""CSDS with real Envoys: what it tells is what they have."""

import grpc
from envoy.admin.v3.config_dump_shared_pb2 import ClientResourceStatus
from envoy.service.status.v3.csds_pb2 import ClientStatusRequest, ClientStatusResponse, ConfigStatus

from meshctl.names import CLUSTER
from meshctl.verify.scene import GATEWAY, SIDECAR
from meshctl.verify.stage import Stage
from tests.support import admin
from tests.support.csds import CSDS, of_type, statuses
from tests.support.standing import synced


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

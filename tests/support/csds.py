"""A generic client of Envoy's client status discovery service."""

import grpc
from envoy.service.status.v3.csds_pb2 import ClientConfig, ClientStatusRequest, ClientStatusResponse
from envoy.type.matcher.v3.node_pb2 import NodeMatcher
from envoy.type.matcher.v3.string_pb2 import StringMatcher

from meshctl.names import TypeUrl
from meshctl.verify.scene import Scene

CSDS = "/envoy.service.status.v3.ClientStatusDiscoveryService/"


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

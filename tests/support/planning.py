"""A control plane of a few services, with nodes as told, over a real connection: for `meshctl plan`."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

import grpc

from meshctl.api.fleet import add_fleet
from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus
from meshctl.fleet.node import Node
from meshctl.names import Role
from meshctl.serve.publish import Publisher
from meshctl.units import Duration
from meshctl.xds.inventory import Inventory


class _Streams:
    """Nobody asks what nodes have."""

    def inventory(self, node_id: str, *, waiting: bool = False) -> Inventory | None:
        return None


def sidecar(service: str, number: int) -> Node:
    """One Envoy beside a service."""
    return Node(f"{service}@{number}", Role.SIDECAR, (service,), client="1.40")


def gateway(name: str) -> Node:
    """One Envoy at the edge."""
    return Node(f"{name}@1", Role.GATEWAY, gateway=name, client="1.40")


def published(texts: Mapping[str, bytes], nodes: Iterable[Node]) -> tuple[Publisher, Fleet]:
    """What serves these texts to these nodes, which are connected."""
    fleet = Fleet()
    publisher = Publisher(fleet, None, stale_limit=Duration.parse("1h"))
    publisher.begin(publisher.catalog.read(texts))
    for node in nodes:
        publisher.open(node, lambda: None)
        fleet.connect(NodeStatus(node, node.view, NodeState.SYNCED))
    return publisher, fleet


@asynccontextmanager
async def answering(publisher: Publisher, fleet: Fleet) -> AsyncIterator[str]:
    """The address at which a publisher answers."""
    server = grpc.aio.server()
    add_fleet(server, publisher, fleet, _Streams())
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)

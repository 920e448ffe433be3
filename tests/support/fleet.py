"""What a running control plane says of itself, over its own API and its metrics page."""

import asyncio
import re

from meshctl.cli.answers import Catalog, Node
from meshctl.cli.client import list_nodes
from meshctl.cli.client import skip_waves as skip
from meshctl.verify.connection import get
from meshctl.verify.scene import Scene


async def node(scene: Scene, name: str) -> Node:
    """One node of the fleet, by its id. Raises StopIteration where the server does not know it."""
    listed = await asyncio.to_thread(list_nodes, scene.control_plane)
    return next(one for one in listed["nodes"] if one["id"] == name)


async def states(scene: Scene) -> dict[str, str]:
    """Every connected node's state by its id."""
    listed = await asyncio.to_thread(list_nodes, scene.control_plane)
    return {one["id"]: one["state"] for one in listed["nodes"] if one["connected"]}


async def catalog(scene: Scene) -> Catalog:
    """The state of the catalog that is served."""
    return (await asyncio.to_thread(list_nodes, scene.control_plane))["catalog"]


async def skip_waves(scene: Scene) -> None:
    """Give all nodes the newest."""
    await asyncio.to_thread(skip, scene.control_plane, "test")


async def metric(scene: Scene, name: str) -> float:
    """A metric's value, summed over its labels."""
    text = (await get(scene.ports.http, "/metrics")).body.decode()
    return sum(float(value) for value in re.findall(rf"(?m)^{name}(?:\{{.*\}})? (\S+)$", text))

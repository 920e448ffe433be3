"""Nodes over real gRPC that leave a change unanswered: it is held back from all until one of them speaks."""

from pathlib import Path

import pytest

from meshctl.fleet import leaders, silence
from meshctl.fleet.pace import ordered
from meshctl.names import ROUTES
from tests.support.catalogs import MESH, service
from tests.support.fake_node import FakeNode, connected
from tests.support.waiting import eventually
from tests.unit.serve.test_app import Running, running

FIRST, SECOND, THIRD = ordered(["web@a", "web@b", "web@c"])
EGRESS = (ROUTES, "egress/web")
CATALOG = {
    "mesh.yaml": MESH + b"waves: {shares: [1, 100%], hold: 0s}\n",
    "a/web.yaml": service("web", "users"),
    "a/users.yaml": service("users"),
}


async def test_change_that_two_nodes_do_not_answer_is_held_until_one_of_them_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (silence, leaders):
        monkeypatch.setattr(module, "SILENCE", 0.2)  # who is muted stays so for as long as the test wants
    async with running(tmp_path, CATALOG) as server:
        await server.answers(200)
        async with connected(server.settings.xds, [FIRST, SECOND, THIRD]) as nodes:
            await until_alike(nodes)
            before = nodes[THIRD].versions[EGRESS]
            for node in (FIRST, SECOND):
                nodes[node].mute()
            server.write({"a/users.yaml": CATALOG["a/users.yaml"] + b"timeouts: {request: 7s}\n"})
            await until_held(server, 1)
            assert nodes[THIRD].versions[EGRESS] == before
            nodes[SECOND].speak()
            await until_held(server, 0)
            nodes[FIRST].speak()
            await until_alike(nodes, before)


async def until_alike(nodes: dict[str, FakeNode], older: str = "") -> None:
    """Wait until all have taken the same routes, others than the older ones."""

    async def alike() -> bool:
        found = {node.versions.get(EGRESS, "") for node in nodes.values()}
        return len(found) == 1 and not found & {"", older}

    await eventually(alike, "all nodes have the same routes")


async def until_held(server: Running, number: int) -> None:
    """Wait until so much is held back for silence."""

    async def held() -> bool:
        found = (await server.catalog("current")).held
        return [one.cause for one in found] == ["silent"] * number

    await eventually(held, f"{number} resources are held back")

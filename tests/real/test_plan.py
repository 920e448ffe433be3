"""`meshctl plan` before an edit, and the edit then made: what it told of nodes and connections, measured."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from meshctl.catalog.folder import read_folder
from meshctl.cli import client
from meshctl.envoy.bootstrap import Identity, bootstrap
from meshctl.envoy.impact import Impact
from meshctl.names import Role
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import Envoy
from meshctl.verify.scene import GATEWAY, SIDECAR, Scene
from meshctl.xds.ordering import NeedsOrder
from tests.real.conftest import GRACE_S
from tests.support import fleet
from tests.support.live_envoy import Backend, Held, held, is_quiet
from tests.support.planes import in_process
from tests.support.shell import typed
from tests.support.waiting import beats, eventually

ROUNDS = 4
USERS = "shop/users.yaml"

Edit = Callable[[Scene], tuple[str, str]]
"""The file that is written, and its new text."""


def slower_requests(scene: Scene) -> tuple[str, str]:
    return USERS, _text(scene, USERS) + "timeouts: {request: 7s}\n"


def slower_connections(scene: Scene) -> tuple[str, str]:
    return USERS, _text(scene, USERS) + "timeouts: {connect: 7s}\n"


def another_egress(scene: Scene) -> tuple[str, str]:
    (port,) = free_ports(1)
    return "mesh.yaml", _text(scene, "mesh.yaml").replace(f":{scene.ports.egress}", f":{port}")


def another_timeout_of_mail(scene: Scene) -> tuple[str, str]:
    return "shop/mail.yaml", _text(scene, "shop/mail.yaml") + "timeouts: {connect: 7s}\n"


EDITS: Mapping[Edit, tuple[Impact, set[str]]] = {
    slower_requests: (Impact.IN_PLACE, {SIDECAR}),
    slower_connections: (Impact.POOL_REBUILD, {SIDECAR}),
    another_egress: (Impact.LISTENER_DRAIN, {SIDECAR}),
    another_timeout_of_mail: (Impact.IN_PLACE, {GATEWAY}),
}
"""What becomes of the connections of `web` to `users`, and which nodes are given something."""


class Answers:
    """Which of the backend's connections the requests of one client come over."""

    def __init__(self, connection: Held) -> None:
        self._connection, self._numbers, self._ended = connection, list[int](), False

    async def ask(self) -> None:
        """Go on asking, so that no connection is idle for long, until the client's own is closed."""
        try:
            async for _ in beats(10_000, 0.1):
                self._numbers.append(await self._connection.ask())
        except ConnectionError:
            self._ended = True

    async def more(self) -> set[int]:
        """The connections of a few requests from now on; none if the client's is closed."""
        begin = len(self._numbers)

        async def enough() -> bool:
            return self._ended or len(self._numbers) >= begin + ROUNDS

        await eventually(enough, "a few more requests are answered")
        return set() if self._ended else set(self._numbers[begin + 1 :])


@asynccontextmanager
async def asked(port: int) -> AsyncIterator[Answers]:
    """A client that asks for as long as the block lasts."""
    async with held(port) as connection:
        answers = Answers(connection)
        asking = asyncio.create_task(answers.ask())
        yield answers
        asking.cancel()


@dataclass(frozen=True, slots=True)
class Running:
    """A sidecar of `web`, which calls `users`, and a gateway that leads to `mail`."""

    scene: Scene
    envoys: Mapping[str, Envoy]

    async def updates(self) -> dict[str, int]:
        """How many answers each node has taken."""
        found = {name: await envoy.stats(r"update_success$") for name, envoy in self.envoys.items()}
        return {name: int(sum(stats.values())) for name, stats in found.items()}

    async def settled(self) -> bool:
        """Whether nothing is under way."""
        listed = await fleet.catalog(self.scene)
        states = await fleet.states(self.scene)
        quiet = [await is_quiet(envoy) for envoy in self.envoys.values()]
        return not listed["waves"] and list(states.values()) == ["synced", "synced"] and all(quiet)


@pytest.fixture
async def running(scene: Scene) -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(Backend().serve, "127.0.0.1", 0)
        stack.callback(server.close)
        _write(scene, server.sockets[0].getsockname()[1])
        await stack.enter_async_context(in_process(NeedsOrder(GRACE_S))(scene))
        nodes = {
            SIDECAR: (Identity(Role.SIDECAR, ("web",), SIDECAR), scene.ports.sidecar_admin),
            GATEWAY: (Identity(Role.GATEWAY, ("edge",), GATEWAY), scene.ports.gateway_admin),
        }
        envoys = {}
        for name, (identity, admin) in nodes.items():
            config = json.dumps(bootstrap(identity, scene.control_plane, admin))
            started = await Envoy.run(name, config, admin, scene.folder, drain_time_s=1)
            envoys[name] = await stack.enter_async_context(started)
            await envoys[name].wait_ready()
        made = Running(scene, envoys)
        await eventually(made.settled, "both nodes have their first configuration")
        yield made


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
async def test_plan_tells_the_nodes_and_what_becomes_of_their_connections(
    running: Running, edit: Edit
) -> None:
    file, text = edit(running.scene)
    plan, updates = await _planned(running.scene, file, text), await running.updates()
    async with asked(running.scene.ports.egress) as answers:
        before = await answers.more()
        assert await running.updates() == updates
        running.scene.write(file, text)
        await eventually(lambda: _is_served(running), "the edit is served")
        await eventually(running.settled, "it has reached the nodes")
        measured = _measured(before, await answers.more())
    changed = {name for name, count in (await running.updates()).items() if count > updates[name]}
    nodes = {node for view in plan["views"] for node in view["ids"]}
    assert (_claimed(plan, SIDECAR), nodes) == (measured, changed) == EDITS[edit]
    again = await _planned(running.scene, file, text)
    assert (again["live"], again["entries"], again["resources"]) == (plan["wanted"], [], [])


async def _is_served(running: Running) -> bool:
    texts = read_folder(running.scene.catalog)
    again = await asyncio.to_thread(client.plan, running.scene.control_plane, texts)
    return again["live"] == again["wanted"]


async def _planned(scene: Scene, file: str, text: str) -> Any:
    """The plan of a copy of the catalog with this file otherwise."""
    branch = scene.folder / "branch"
    shutil.copytree(scene.catalog, branch, dirs_exist_ok=True)
    (branch / file).write_text(text, encoding="utf-8")
    done = await typed(f"meshctl plan branch --output json --server {scene.control_plane}", scene.folder)
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def _claimed(plan: Any, node: str) -> Impact:
    """The gravest impact at one node."""
    views = {view["view"] for view in plan["views"] if node in view["ids"]}
    impacts = [Impact(one["impact"]) for one in plan["resources"] if views & set(one["views"])]
    return max(impacts, key=lambda impact: impact.severity, default=Impact.IN_PLACE)


def _measured(before: set[int], after: set[int]) -> Impact:
    if not after:
        return Impact.LISTENER_DRAIN
    return Impact.IN_PLACE if after == before else Impact.POOL_REBUILD


def _text(scene: Scene, file: str) -> str:
    return (scene.catalog / file).read_text(encoding="utf-8")


def _write(scene: Scene, backend: int) -> None:
    egress, edge = f"egress: 127.0.0.1:{scene.ports.egress}\n", scene.ports.edge
    files = {
        "mesh.yaml": f"format: 1\nedition: 2026.11\nname: test\n{egress}waves: {{hold: 0s}}\n",
        "shop/web.yaml": "service: web\nport: 8081\nendpoints: [127.0.0.1:9]\nuses: [users]\n",
        USERS: f"service: users\nport: 8080\nendpoints: [127.0.0.1:{backend}]\n",
        "shop/mail.yaml": "service: mail\nport: 8025\nendpoints: [127.0.0.1:9]\n",
        "edge/edge.yaml": f"gateway: edge\nlisteners:\n  - {{bind: 127.0.0.1:{edge}}}\n"
        "sites:\n  - hosts: [api.example.com]\n    routes:\n      - to: mail\n",
    }
    for file, text in files.items():
        scene.write(file, text)

"""A mesh of real Envoys for one key after the other: a test says what a file holds, and then asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from meshctl.catalog.folder import read_folder
from meshctl.cli import client
from meshctl.cli.reach import reach
from meshctl.operations.admit import ReadEntry
from meshctl.operations.apply import served
from meshctl.verify.processes import Envoy
from meshctl.verify.scene import GATEWAY, SIDECAR, USERS_FILE, Ports, Scene
from meshctl.verify.stage import Stage, staged
from meshctl.xds.ordering import NeedsOrder
from tests.support.planes import in_process
from tests.support.waiting import eventually

_GRACE_S = 0.5


@dataclass(frozen=True, slots=True)
class Mesh:
    """`web` calls `users` through its sidecar, the world calls it as api.example.com through the gateway."""

    stage: Stage

    @property
    def ports(self) -> Ports:
        """What listens where."""
        return self.stage.scene.ports

    @property
    def sidecar(self) -> Envoy:
        """The Envoy beside `web`."""
        return self.stage.envoys[SIDECAR]

    @property
    def gateway(self) -> Envoy:
        """The Envoy of `edge`."""
        return self.stage.envoys[GATEWAY]

    async def users(self, keys: str, *endpoints: int | str) -> None:
        """`users` has these keys besides its endpoints, ports on 127.0.0.1 or as written; else backend v1."""
        some = endpoints or (self.ports.v1,)
        written = [f"127.0.0.1:{one}" if isinstance(one, int) else one for one in some]
        listed = f"[{', '.join(written)}]"
        exposed = "expose: [{on: edge, host: api.example.com}]"
        await self.say(USERS_FILE, f"service: users\nport: 8080\nendpoints: {listed}\n{exposed}\n{keys}\n")

    @asynccontextmanager
    async def using(self, *services: str) -> AsyncIterator[None]:
        """`web` uses these, too, for as long as the block lasts."""
        file = "shop/web.yaml"
        text = (self.stage.scene.catalog / file).read_text()
        await self.say(file, text.replace("uses: [users]", f"uses: [{', '.join(('users', *services))}]"))
        yield
        await self.say(file, text)

    @asynccontextmanager
    async def defaults(self, text: str) -> AsyncIterator[None]:
        """defaults.yaml has this text for as long as the block lasts."""
        await self.say("defaults.yaml", f"{text}\n")
        yield
        (self.stage.scene.catalog / "defaults.yaml").unlink()
        await until_in_force(self.stage.scene)

    async def say(self, file: str, text: str) -> None:
        """Write a file of the catalog, and wait until all that comes of it is in force."""
        self.stage.scene.write(file, text)
        await until_in_force(self.stage.scene)
        await eventually(self._serves_by_the_newest, "no cluster waits for what its endpoints say")

    async def _serves_by_the_newest(self) -> bool:
        """Whether all new clusters serve: until their endpoints have been asked, the old ones do."""
        stats = [
            await envoy.stats(r"^cluster_manager\.warming_clusters$") for envoy in self.stage.envoys.values()
        ]
        return not any(number for one in stats for number in one.values())


async def until_in_force(scene: Scene) -> None:
    """Wait until the server has read all files, and all that comes of them has reached all nodes."""

    async def reached() -> bool:
        return await asyncio.to_thread(_in_force, scene.catalog, scene.control_plane)

    await eventually(reached, "the catalog is in force")


def _in_force(catalog: Path, server: str) -> bool:
    read = served(read_folder(catalog), [ReadEntry(**one) for one in client.list_entries(server)])
    assert not read.held, read.held
    return not read.different and not reach(client.list_nodes(server)).missing


@asynccontextmanager
async def mesh(folder: Path) -> AsyncIterator[Mesh]:
    """All of it, running."""
    scene = Scene(folder, Ports.free())
    async with staged(scene, in_process(NeedsOrder(_GRACE_S))) as stage:
        yield Mesh(stage)

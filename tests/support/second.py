"""A second sidecar of `web` on a stage, so that two views of one service, and both variants, are there."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from meshctl.envoy.bootstrap import Identity, bootstrap
from meshctl.names import Role
from meshctl.verify.lane import Target
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import Envoy
from meshctl.verify.scene import Scene
from meshctl.verify.stage import Stage

SECOND = "second"


@dataclass(frozen=True, slots=True)
class Second:
    """The second sidecar's ports; it speaks state-of-the-world. Started anew, it holds nothing."""

    egress: int
    admin: int

    @classmethod
    def free(cls) -> "Second":
        """Ports that nobody listens on."""
        return cls(*free_ports(2))

    @property
    def target(self) -> Target:
        """The way to `users` through it."""
        return Target(SECOND, "127.0.0.1", self.egress, {"host": "users"})

    @property
    def identity(self) -> Identity:
        """Who it is."""
        return Identity(Role.SIDECAR, ("web",), SECOND, f"127.0.0.1:{self.egress}")

    async def start(self, scene: Scene) -> Envoy:
        """Its Envoy, which may not be ready yet."""
        config = json.dumps(bootstrap(self.identity, scene.control_plane, self.admin))
        return await Envoy.run(SECOND, config.replace("DELTA_GRPC", "GRPC"), self.admin, scene.folder)

    @asynccontextmanager
    async def on(self, stage: Stage) -> AsyncIterator[Stage]:
        """The stage with it, ready and under load like the others."""
        async with await self.start(stage.scene) as envoy:
            await envoy.wait_ready()
            envoys = {**stage.envoys, SECOND: envoy}
            yield replace(stage, envoys=envoys, targets=(*stage.targets, self.target))

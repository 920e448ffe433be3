"""A scene with everything in it running: backends, the control plane, and both Envoys.

Imports the standard library and its neighbours.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from meshctl.verify.lane import Target
from meshctl.verify.load import Load, Shape
from meshctl.verify.processes import BackendProcess, Envoy, MeshctlServe, envoy_program
from meshctl.verify.scene import GATEWAY, SIDECAR, VERSIONS, Scene

Serving: TypeAlias = Callable[[Scene], AbstractAsyncContextManager[object]]
"""Runs a control plane on the scene's catalog and addresses; entered, it is ready."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The running backends by version, the Envoys by node, and the ways to `users` through them."""

    scene: Scene
    backends: Mapping[str, BackendProcess]
    envoys: Mapping[str, Envoy]
    targets: tuple[Target, ...]

    async def in_flight(self) -> int:
        """How many requests the backends are serving. Raises OSError."""
        return sum(await asyncio.gather(*(backend.in_flight() for backend in self.backends.values())))

    def load(self, shape: Shape | None = None) -> Load:
        """Load on `users` through all Envoys."""
        return Load(self.targets, shape, self.in_flight)


@asynccontextmanager
async def served(scene: Scene) -> AsyncIterator[MeshctlServe]:
    """`meshctl serve` on the scene's catalog, as a process of its own. Raises ProcessError."""
    addresses = ("--xds", scene.control_plane, "--http", scene.http)
    arguments = ("--catalog", str(scene.catalog), "--state", str(scene.state), *addresses)
    async with await MeshctlServe.run("serve", arguments, scene.ports.http, scene.folder) as serve:
        await serve.wait_ready()
        yield serve


@asynccontextmanager
async def staged(
    scene: Scene, serving: Serving = served, api_types: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Stage]:
    """Write the scene's catalog, start everything, and stop it in the opposite order.

    `api_types` by node, where one shall not speak delta. Raises ProgramMissing, ProcessError.
    """
    envoy_program()  # without it nothing needs to be started
    async with AsyncExitStack() as running:
        scene.write_all()
        backends: dict[str, BackendProcess] = {}
        for version, port in zip(VERSIONS, (scene.ports.v1, scene.ports.v2), strict=True):
            started = await BackendProcess.run(version, version, port, scene.folder)
            backends[version] = await running.enter_async_context(started)
        await running.enter_async_context(serving(scene))
        envoys: dict[str, Envoy] = {}
        for name in (SIDECAR, GATEWAY):
            envoy = await scene.envoy(name, api_types.get(name, "DELTA_GRPC"))
            envoys[name] = await running.enter_async_context(envoy)
        await asyncio.gather(*(backend.wait_ready() for backend in backends.values()))
        await asyncio.gather(*(envoy.wait_ready() for envoy in envoys.values()))
        yield Stage(scene, backends, envoys, scene.targets)

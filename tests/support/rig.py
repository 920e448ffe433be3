"""Two sidecars and a gateway under load all the time, on a server to be killed and by lines to be cut."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshctl.envoy.bootstrap import bootstrap
from meshctl.verify.load import Load, Shape
from meshctl.verify.processes import BackendProcess, Envoy
from meshctl.verify.scene import GATEWAY, SIDECAR, VERSIONS, Ports, Scene
from meshctl.verify.stage import Stage
from tests.support.forks import Forks, Order
from tests.support.impatient import impatient
from tests.support.lines import Line
from tests.support.script import FENCE, FENCE_TEXT, GOOD, text
from tests.support.second import Second

GRACE_S = 0.3
SHAPE = Shape(connections=36, slow_every=2, slow_ms=200)
"""All day long, not only around a change: some thirty requests under way at any moment, half of them slow."""


@dataclass(frozen=True, slots=True)
class Rig:
    """What a script is played on. `lines` by node."""

    stage: Stage
    server: Forks
    lines: Mapping[str, Line]
    load: Load
    second: Second

    @property
    def scene(self) -> Scene:
        return self.stage.scene

    @property
    def egress(self) -> tuple[int, int]:
        """Where the two sidecars take requests."""
        return self.scene.ports.egress, self.second.egress

    async def held(self) -> Mapping[str, object]:
        """What each node holds, without versions and times."""
        envoys = self.stage.envoys
        dumps = await asyncio.gather(*(envoy.config_dump() for envoy in envoys.values()))
        return {name: _content(dump) for name, dump in zip(envoys, dumps, strict=True)}


@asynccontextmanager
async def rigged(folder: Path, order: Order) -> AsyncIterator[Rig]:
    """Everything running and ready, on the catalog with which all scripts begin."""
    scene, second = Scene(folder, Ports.free()), Second.free()
    async with AsyncExitStack() as running:
        for file, labels in GOOD.items():
            scene.write(file, text(scene, file, labels[0]))
        scene.write(FENCE, FENCE_TEXT.format(number=0))
        backends = await _backends(running, scene)
        server = await running.enter_async_context(Forks.of(scene, GRACE_S, order))
        await server.start(200)
        ports, lines, envoys = scene.ports, dict[str, Line](), dict[str, Envoy]()
        for identity, admin_port, api_type in (
            (scene.identity(SIDECAR), ports.sidecar_admin, "DELTA_GRPC"),
            (second.identity, second.admin, "GRPC"),
            (scene.identity(GATEWAY), ports.gateway_admin, "GRPC"),
        ):
            line = lines[identity.id] = await running.enter_async_context(Line.to(ports.xds))
            config = json.dumps(bootstrap(identity, f"127.0.0.1:{line.port}", admin_port))
            config = impatient(config.replace("DELTA_GRPC", api_type))
            envoy = await Envoy.run(identity.id, config, admin_port, folder)
            envoys[identity.id] = await running.enter_async_context(envoy)
        await asyncio.gather(*(backend.wait_ready() for backend in backends.values()))
        await asyncio.gather(*(envoy.wait_ready() for envoy in envoys.values()))
        stage = Stage(scene, backends, envoys, (*scene.targets, second.target))
        load = await running.enter_async_context(stage.load(SHAPE))
        yield Rig(stage, server, lines, load, second)


async def _backends(running: AsyncExitStack, scene: Scene) -> dict[str, BackendProcess]:
    backends: dict[str, BackendProcess] = {}
    for version, port in zip(VERSIONS, (scene.ports.v1, scene.ports.v2), strict=True):
        started = await BackendProcess.run(version, version, port, scene.folder)
        backends[version] = await running.enter_async_context(started)
    return backends


_DYNAMIC = ("dynamic_active_clusters", "dynamic_warming_clusters", "dynamic_listeners")
_TABLES = ("dynamic_route_configs", "dynamic_endpoint_configs")
_PASSING = {"version_info", "last_updated", "draining_state"}


def _content(dump: Any) -> list[Any]:
    found = [
        _lasting(entry)
        for kind in dump["configs"]
        for key in (*_DYNAMIC, *_TABLES)
        for entry in kind.get(key, ())
    ]
    return sorted(found, key=lambda entry: json.dumps(entry, sort_keys=True))


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(one) for key, one in value.items() if key not in _PASSING}
    return [_lasting(one) for one in value] if isinstance(value, list) else value

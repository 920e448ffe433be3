"""A sidecar beside a service that is called, on a stage or a mesh."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from meshctl import names
from meshctl.envoy.bootstrap import Identity, bootstrap
from meshctl.names import Role
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import Envoy
from meshctl.verify.scene import Scene


@asynccontextmanager
async def beside(scene: Scene, *services: str, ingress: str = "127.0.0.1") -> AsyncIterator[Envoy]:
    """The Envoy beside these services, ready; it takes what they are sent on one address."""
    egress, admin = free_ports(2)
    name = f"beside-{names.joined(services)}"
    identity = Identity(Role.SIDECAR, services, name, f"127.0.0.1:{egress}", ingress)
    config = json.dumps(bootstrap(identity, scene.control_plane, admin))
    async with await Envoy.run(name, config, admin, scene.folder, drain_time_s=1) as envoy:
        await envoy.wait_ready()
        yield envoy

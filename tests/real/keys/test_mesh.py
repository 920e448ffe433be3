"""`mesh.yaml`: by which names and where the callers beside a real sidecar reach a service."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from meshctl.catalog.folder import MESH_FILE
from meshctl.envoy.bootstrap import Identity, bootstrap
from meshctl.names import Role
from meshctl.verify.connection import get
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import Envoy
from tests.support.mesh import Mesh
from tests.support.shows import shows

pytestmark = pytest.mark.asyncio(loop_scope="session")


@shows("mesh.domain")
async def test_services_have_names_below_the_domain_and_below_no_other(mesh: Mesh) -> None:
    await mesh.users("")
    assert await statuses(mesh) == [200, 404]
    async with saying(mesh, "domain: corp.internal"):
        assert await statuses(mesh) == [404, 200]


async def statuses(mesh: Mesh) -> list[int]:
    """What requests get that name `users` below the default domain, and below another."""
    hosts = ("users.mesh", "users.corp.internal")
    return [(await get(mesh.ports.egress, "/", {"host": host})).status for host in hosts]


@shows("mesh.egress")
async def test_sidecar_listens_at_egress_where_its_bootstrap_says_nothing(mesh: Mesh) -> None:
    await mesh.users("")
    egress, admin = free_ports(2)
    scene = mesh.stage.scene
    identity = Identity(Role.SIDECAR, ("web",), "web@plain")
    config = json.dumps(bootstrap(identity, scene.control_plane, admin))
    async with (
        saying(mesh, f"egress: 127.0.0.1:{egress}"),
        await Envoy.run("plain", config, admin, scene.folder) as envoy,
    ):
        await envoy.wait_ready()
        assert (await get(egress, "/", {"host": "users"})).status == 200


@asynccontextmanager
async def saying(mesh: Mesh, key: str) -> AsyncIterator[None]:
    """mesh.yaml has this key, too, for as long as the block lasts."""
    before = (mesh.stage.scene.catalog / MESH_FILE).read_text()
    await mesh.say(MESH_FILE, f"{before}{key}\n")
    yield
    await mesh.say(MESH_FILE, before)

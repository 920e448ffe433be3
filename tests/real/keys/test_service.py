"""`port` and `endpoints`: where a service is reached."""

import pytest

from meshctl.verify.connection import get
from meshctl.verify.scene import USERS_FILE
from tests.support.mesh import Mesh
from tests.support.shows import shows

pytestmark = pytest.mark.asyncio(loop_scope="session")


@shows("service.service", "service.port", "service.endpoints", "service.uses")
async def test_endpoint_without_a_port_is_reached_on_that_of_the_service(mesh: Mesh) -> None:
    text = "service: users\nport: {port}\nendpoints: [127.0.0.1]\n"
    await mesh.say(USERS_FILE, text.format(port=mesh.ports.v2))
    assert await answered(mesh) == (200, b"v2")
    await mesh.say(USERS_FILE, text.format(port=mesh.ports.v1))
    assert await answered(mesh) == (200, b"v1")


async def answered(mesh: Mesh) -> tuple[int, bytes]:
    """What a caller of `users` gets."""
    response = await get(mesh.ports.egress, "/", {"host": "users"})
    return response.status, response.body.strip()

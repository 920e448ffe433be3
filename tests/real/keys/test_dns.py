"""`endpoints: {dns: NAME}`: a real sidecar looks the name up itself."""

import pytest

from meshctl.verify.connection import get
from meshctl.verify.scene import USERS_FILE
from tests.real.keys.test_load_balancing import chosen, endpoint
from tests.support.mesh import Mesh
from tests.support.shows import shows
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def users(mesh: Mesh, port: int, name: str) -> None:
    """`users` answers on this port, wherever this name leads."""
    await mesh.say(USERS_FILE, f"service: users\nport: {port}\nendpoints: {{dns: '{name}'}}\n")


@shows("service.endpoints.dns")
async def test_a_name_leads_to_its_addresses_at_the_services_port_or_its_own(mesh: Mesh) -> None:
    async with endpoint("s") as services, endpoint("o") as own:
        await users(mesh, services, "localhost")
        assert await chosen(mesh, 4) == "ssss"
        await users(mesh, services, f"localhost:{own}")
        assert await chosen(mesh, 4) == "oooo"


async def test_a_name_that_nobody_knows_has_no_endpoint_and_holds_up_no_other_change(mesh: Mesh) -> None:
    await users(mesh, 80, "nobody.invalid")

    async def unreachable() -> bool:
        return (await get(mesh.ports.egress, "/", {"host": "users"})).status == 503

    await eventually(unreachable, "the name is looked up in vain")
    await mesh.users("")
    assert (await get(mesh.ports.egress, "/", {"host": "users"})).status == 200

"""`endpoints`: what a real sidecar makes of what is said of one besides its address."""

import pytest

from tests.real.keys.test_load_balancing import chosen, endpoint
from tests.support.mesh import Mesh
from tests.support.shows import shows

pytestmark = pytest.mark.asyncio(loop_scope="session")


def weighing(port: int, weight: int) -> str:
    """An endpoint of this weight."""
    return f"{{address: '127.0.0.1:{port}', weight: {weight}}}"


@shows("service.endpoints[].address", "service.endpoints[].weight")
@pytest.mark.parametrize("policy", ["round_robin", "least_request"])
async def test_an_endpoint_gets_as_much_as_its_weight_says(mesh: Mesh, policy: str) -> None:
    async with endpoint("l") as light, endpoint("h") as heavy:
        await mesh.users(f"load_balancing: {{policy: {policy}}}", light, weighing(heavy, 3))
        assert 29 <= (await chosen(mesh, 40)).count("h") <= 31
        await mesh.users(f"load_balancing: {{policy: {policy}}}", light, weighing(heavy, 1))
        assert (await chosen(mesh, 40)).count("h") < 29

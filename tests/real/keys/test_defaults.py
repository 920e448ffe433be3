"""`defaults.yaml`: what holds on a real sidecar where a service says nothing, for all and by protocol."""

import pytest

from meshctl.verify.connection import get
from tests.support.mesh import Mesh
from tests.support.shows import shows

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOWLY = {"host": "users", "x-delay": "1000ms"}
SHORT, LONG = "{timeouts: {request: 200ms}}", "{timeouts: {request: 30s}}"


@shows("defaults.service", "defaults.protocol")
@pytest.mark.parametrize(
    ("defaults", "own", "status"),
    [
        (f"service: {SHORT}", "", 504),
        (f"service: {SHORT}", "timeouts: {request: 30s}", 200),
        (f"service: {SHORT}\nprotocol: {{http: {LONG}}}", "", 200),
        (f"service: {LONG}\nprotocol: {{http: {SHORT}}}", "", 504),
        (f"protocol: {{grpc: {SHORT}}}", "", 200),
    ],
)
async def test_service_comes_before_its_protocol_and_that_before_all_services(
    mesh: Mesh, defaults: str, own: str, status: int
) -> None:
    async with mesh.defaults(defaults):
        await mesh.users(own)
        assert (await get(mesh.ports.egress, "/", SLOWLY)).status == status

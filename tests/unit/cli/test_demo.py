"""`meshctl demo`: its lines and its exit code, with a run that ends as told."""

import asyncio
import signal
from collections.abc import Callable
from os import getpid, kill
from pathlib import Path

import pytest

from meshctl.cli.main import run
from meshctl.verify.demo import Demo, NotReached, Step
from meshctl.verify.report import Failure, LoadReport, Tally


def _play(monkeypatch: pytest.MonkeyPatch, failed: int = 0, error: Exception | None = None) -> list[Path]:
    """Have `meshctl demo` do one step; returns the folders that it was given."""
    folders = []

    async def played(self: Demo, finished: Callable[[Step], None]) -> LoadReport:
        folders.append(self.scene.folder)
        finished(Step(10, share=0.098, requests=2100, failed=failed))
        if error is not None:
            raise error
        failures = (Failure(1.5, "sidecar", "status 503", b"no healthy upstream"),) * failed
        return LoadReport(Tally(21_000, failed, {}, failures, 20.0), ())

    monkeypatch.setattr(Demo, "run", played)
    return folders


def test_the_last_line_counts_requests_and_failures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = _play(monkeypatch)
    assert run(["demo"]) == 0
    said = capsys.readouterr()
    assert said.out == "21,000 requests, 0 failed\n"
    assert said.err.endswith("v2 at  10 %:   9.8 % measured, 2,100 requests, 0 failed\n")
    assert not folders[0].exists()


def test_a_failed_request_is_told_and_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _play(monkeypatch, failed=1)
    assert run(["demo"]) == 1
    said = capsys.readouterr()
    assert said.out == "21,000 requests, 1 failed\n"
    assert "failed: 1.500 s sidecar: status 503: 'no healthy upstream'" in said.err


def test_what_keeps_the_demo_from_running_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = _play(monkeypatch, error=NotReached("the sidecar did not take the new weights within 30 s"))
    assert run(["demo"]) == 1
    assert capsys.readouterr().err.endswith("Error: the sidecar did not take the new weights within 30 s\n")
    assert not folders[0].exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_takes_everything_down(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = []

    async def played(self: Demo, finished: Callable[[Step], None]) -> LoadReport:
        kill(getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(self.scene.folder)
        raise AssertionError("the demo was not stopped")

    monkeypatch.setattr(Demo, "run", played)
    assert run(["demo"]) == 128 + number
    assert capsys.readouterr().err.splitlines()[-1] == "stopped; nothing is left running"
    assert not ended[0].exists()

"""Commands whose standard streams are closed, as daemons and cron jobs may be started."""

import subprocess
import sys
from pathlib import Path

import pytest


def closed(streams: str, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run meshctl with these streams closed, as a shell writes it."""
    command = ("sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-m", "meshctl", *arguments)
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("streams", [">&-", "<&- >&- 2>&-"])
def test_closed_stream_takes_what_is_written_and_changes_no_exit_code(streams: str, tmp_path: Path) -> None:
    done = closed(streams, "version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert closed(streams, "init", "x", cwd=tmp_path).returncode == 0
    assert closed(streams, "bootstrap", "sidecar", "--service", "hello", cwd=tmp_path / "x").returncode == 0

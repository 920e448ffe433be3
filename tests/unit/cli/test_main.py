"""How every command ends: exit codes, and one line for whatever goes wrong."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from meshctl.cli import main
from meshctl.cli.errors import Failure, TimedOut
from meshctl.cli.main import COMMANDS, run


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.name)
def test_help_line_of_each_command_is_its_own_first_sentence(row: main.Row) -> None:
    command: click.Command = import_module(f"meshctl.cli.commands.{row.module}").command
    assert command.name == row.name
    assert command.get_short_help_str(limit=200) == row.help


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Failure("there is no such thing"), 1, "Error: there is no such thing"),
        (TimedOut("nobody answered"), 5, "Error: nobody answered"),
        (KeyboardInterrupt(), 130, ""),
        (FileNotFoundError(2, "No such file or directory", "x.yaml"), 1, "No such file or directory: x.yaml"),
        (KeyError("clusters"), 1, "this is a bug in meshctl: KeyError: 'clusters'"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_one_line_and_never_a_traceback(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("meshctl.cli.commands.version.command.callback", fail)
    assert run(["version"]) == code
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_a_bug_shows_where_it_is_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise KeyError("clusters")

    monkeypatch.setattr("meshctl.cli.commands.version.command.callback", fail)
    monkeypatch.setenv("MESHCTL_TRACEBACK", "1")
    assert run(["version"]) == 1
    assert "in fail" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error_to_tell(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = (sys.executable, "-m", "meshctl", "--help")
    done = subprocess.run(
        command, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("environment", "color"),
    [
        ({}, None),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, None),
        ({"TERM": "dumb"}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_follows_the_environment(environment: dict[str, str], color: bool | None) -> None:  # noqa: FBT001
    assert main.color(environment) is color


def test_completion_offers_commands_without_loading_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_MESHCTL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "meshctl ca")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out == "plain,catalog\n"

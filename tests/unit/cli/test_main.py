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
from meshctl.cli.user import user


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


NO_TEXT = os.fsdecode(b"web@\xff")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["fleet", "why", NO_TEXT], 2),
        (["fleet", "list", f"--server={NO_TEXT}:1"], 2),
        (["catalog", "show", NO_TEXT], 2),
        (["validate", NO_TEXT], 2),
        ([NO_TEXT], 2),
        (["plan", "--detailed-exitcode", NO_TEXT], 64),
    ],
)
def test_bytes_that_are_no_text_are_wrong_usage(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "Error: the argument '" in said.err
    assert "web@\\xff" in said.err
    assert "is not UTF-8\n" in said.err


def test_a_setting_that_is_no_text_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MESHCTL_SERVER", f"{NO_TEXT}:1")
    assert run(["fleet", "list"]) == 2
    assert "Error: MESHCTL_SERVER 'web@\\xff:1' is not UTF-8\n" in capsys.readouterr().err


def test_who_has_no_text_for_a_name_is_told_to_the_log_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", os.fsdecode(b"j\xf6rg"))
    assert user() == "j\ufffdrg"


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

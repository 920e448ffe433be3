"""Transcripts of the command line: what is typed, and what it answers.

A transcript is a list of sections `--- $ command`, each followed by `--- exit`, `--- stdout` and `--- stderr`
where these are not 0 and empty. All commands of one run in the same new folder; `cd DIR` changes it, and
`--- file <path>` writes a file there, `--- stdin` is what the next command reads. `make golden` writes what
the commands answer.
"""

import io
import os
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshctl.cli.main import run
from tests.golden.case import Case, Section, cases
from tests.golden.conftest import Golden

FOLDER = Path(__file__).parent / "cli"
ANSWERS = ("exit", "stdout", "stderr")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new folder, on a machine and in an environment that are the same for everybody."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket, "gethostname", lambda: "host-7")
    for name in [name for name in os.environ if name.startswith("MESHCTL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.parametrize("path", cases(FOLDER), ids=lambda path: path.stem)
def test_commands_answer_as_in_the_transcript(
    path: Path, golden: Golden, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case.read(path)
    sections = tuple(_played(case, capsys, monkeypatch))
    golden.check(path, Case(case.purpose, sections))


def _played(
    case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Section]:
    for section in case.sections:
        first, rest = section.words
        if first in ANSWERS:
            continue
        yield section
        if first == "file":
            Path(rest).parent.mkdir(parents=True, exist_ok=True)
            Path(rest).write_text(section.body, encoding="utf-8")
        elif first == "stdin":
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(section.body.encode())))
        else:
            yield from _answers(shlex.split(rest), capsys, monkeypatch)


def _answers(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Section]:
    program, *arguments = words
    if program == "cd":
        return monkeypatch.chdir(arguments[0])
    assert program == "meshctl", f"a transcript types meshctl and cd, not {program}"
    code = run(arguments)
    said = capsys.readouterr()
    if code:
        yield Section(f"exit {code}")
    for title, text in (("stdout", said.out), ("stderr", said.err)):
        if text:
            yield Section(title, text)
    return None

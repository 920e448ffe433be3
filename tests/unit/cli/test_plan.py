"""`meshctl plan --upgrade` on states that a server left, or has open."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from meshctl.catalog.keys.protocol import Protocol
from meshctl.cli.main import run
from meshctl.mesh import edition
from meshctl.names import Role, ViewKey
from meshctl.operations.compile import WATCHED, Compiler
from meshctl.operations.load import resolved
from meshctl.snapshot.database import SCHEMA
from meshctl.snapshot.disk import Disk, read_state
from meshctl.units import Duration
from tests.support.catalogs import MESH, service

TEXTS = {"mesh.yaml": MESH, "a/web.yaml": service("web", "users"), "a/users.yaml": service("users")}
PLAN = ["plan", "--upgrade", "--detailed-exitcode"]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """The state of a server that runs on `catalog` in the present folder."""
    monkeypatch.chdir(tmp_path)
    for file, text in TEXTS.items():
        (tmp_path / "catalog" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "catalog" / file).write_bytes(text)
    compiler = Compiler(resolved(TEXTS, WATCHED))
    compiler.open(ViewKey(Role.SIDECAR, ("web",), "1.40"))
    disk = Disk.open(tmp_path / ".meshctl")
    disk.save(dict(TEXTS), compiler.publish(), 1.0)
    return disk


@pytest.fixture
def another_release(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with another default in an edition that is out."""
    was = edition.EDITIONS["2026.11"][Protocol.HTTP]
    http = replace(was, timeouts=replace(was.timeouts, connect=Duration.parse("3s")))
    monkeypatch.setattr("meshctl.mesh.own.EDITIONS", {"2026.11": {Protocol.HTTP: http}})


def test_the_same_release_has_no_changes_while_the_server_runs(
    disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(PLAN) == 0
    assert capsys.readouterr().out == "No changes: this release serves the same.\n"
    disk.close()


@pytest.mark.usefixtures("another_release")
def test_another_default_is_shown_with_its_impact(disk: Disk, capsys: pytest.CaptureFixture[str]) -> None:
    disk.close()
    assert run(["plan", "--upgrade"]) == 0
    assert run(PLAN) == 2
    said = capsys.readouterr().out.splitlines()
    assert said[1].split() == [
        *("~", "cds", "users/v1", "pool", "rebuild", "in", "waves"),
        *("sidecar/web@1.40", "connect_timeout.seconds"),
    ]
    assert said[2] == "Plan: 0 to add, 1 to change, 0 to remove."


@pytest.mark.usefixtures("another_release")
def test_programs_get_the_documented_shape(disk: Disk, capsys: pytest.CaptureFixture[str]) -> None:
    disk.close()
    run([*PLAN, "--output", "json"])
    assert json.loads(capsys.readouterr().out) == {
        "revision": "1",
        "impact": "pool rebuild",
        "resources": [
            {
                "sign": "~",
                "type": "cds",
                "name": "users/v1",
                "impact": "pool rebuild",
                "fields": ["connect_timeout.seconds"],
                "goes": "in waves",
                "views": ["sidecar/web@1.40"],
            }
        ],
        "problems": [],
    }


def test_entry_that_this_release_does_not_read_is_told_with_exit_code_1(
    disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = read_state(Path(".meshctl"))
    assert kept is not None
    disk.save({"a/users.yaml": service("users") + b"of_the_past: 1\n"}, kept.snapshot, 1.0)
    disk.close()
    assert run(PLAN) == 1
    assert "catalog/a/users.yaml:5:1: MSH0201" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--state", "x"], ["--upgrade", "--server", "127.0.0.1:1"]])
def test_options_of_the_other_kind_of_plan_are_refused(
    disk: Disk, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    disk.close()
    assert run(["plan", *options]) == 2
    assert "--upgrade" in capsys.readouterr().err


def test_no_state_says_how_to_name_one(disk: Disk, capsys: pytest.CaptureFixture[str]) -> None:
    disk.close()
    assert run([*PLAN, "--state", "elsewhere"]) == 1
    assert "elsewhere holds no last good state" in capsys.readouterr().err
    assert not Path("elsewhere").exists()


def test_state_of_another_schema_is_left_as_it_is(disk: Disk, capsys: pytest.CaptureFixture[str]) -> None:
    disk._database.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    disk.close()
    before = Path(".meshctl/state.sqlite").read_bytes()
    assert run(PLAN) == 1
    assert f"its schema is {SCHEMA + 1}" in capsys.readouterr().err
    assert Path(".meshctl/state.sqlite").read_bytes() == before


def test_mistyped_under_detailed_exitcode_is_no_change(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*PLAN, "--no-such"]) == 64
    assert run(["plan", "--no-such"]) == 2
    capsys.readouterr()

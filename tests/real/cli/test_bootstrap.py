"""What `meshctl bootstrap` writes is what envoy-configs/ shows, and what a real Envoy takes."""

import subprocess
from pathlib import Path

import pytest

from meshctl.cli.main import run
from meshctl.verify.processes import envoy_program

REPOSITORY = Path(__file__).resolve().parents[3]
SHOWN = {
    "sidecar.yaml": ("sidecar", "--service", "web", "--node-id", "web@localhost"),
    "gateway.yaml": ("gateway", "--gateway", "edge", "--node-id", "edge@localhost", "--admin-port", "15010"),
}


def validated(config: Path) -> str:
    """What Envoy says of a configuration file; ends with `OK` when it takes it."""
    command = (envoy_program(), "--mode", "validate", "--config-path", str(config), "--log-level", "error")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("file", SHOWN)
def test_shown_configurations_are_as_bootstrap_writes_them(
    file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert run(["bootstrap", *SHOWN[file]]) == 0
    assert capsys.readouterr().out == (REPOSITORY / "envoy-configs" / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("file", SHOWN)
def test_envoy_takes_the_shown_configurations(file: str) -> None:
    assert validated(REPOSITORY / "envoy-configs" / file).endswith("OK")


def test_envoy_takes_names_that_yaml_1_1_reads_as_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("n", "on", "007", "1e3", "null")
    run(["init"])
    for name in names:
        run(["catalog", "add", name, "--port", "8080"])
    services = [word for name in names for word in ("--service", name)]
    capsys.readouterr()
    assert run(["bootstrap", "sidecar", *services]) == 0
    (tmp_path / "sidecar.yaml").write_text(capsys.readouterr().out)
    assert validated(tmp_path / "sidecar.yaml").endswith("OK")

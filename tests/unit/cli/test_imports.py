"""What a command loads: `--help` and `validate` must stay light, each seen in a process of its own."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from meshctl.catalog.edit import hello_text, mesh_text

PROTOBUF = {"grpc", "google.protobuf", "envoy", "xds", "meshctl.v1"}
HEAVY = PROTOBUF | {"pydantic", "rich", "yaml", "starlette", "uvicorn", "asyncio", "meshctl.catalog"}

_PROBE = """
import sys
from meshctl.cli.main import run
code = run(sys.argv[1:])
print(*(f"loaded:{name}" for name in sys.modules), sep="\\n", file=sys.stderr)
sys.exit(code)
"""


def loaded_by(arguments: Sequence[str], folder: Path) -> set[str]:
    """The modules of a process that has run this command line."""
    command = (sys.executable, "-c", _PROBE, *arguments)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    words = (word.partition(":") for word in done.stderr.split())
    names = {name for mark, _, name in words if mark == "loaded"}
    assert "meshctl.cli.main" in names
    return names


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("version",), ("--version",)])
def test_help_and_version_load_nothing_heavy(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert loaded_by(arguments, tmp_path) & HEAVY == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate",),
        ("init", "new"),
        ("explain", "timeouts.request"),
        ("explain", "MSH0206"),
        ("schema",),
        ("catalog", "list"),
        ("catalog", "show", "hello"),
        ("catalog", "add", "users", "--port", "8080"),
        ("bootstrap", "sidecar", "--service", "hello"),
    ],
    ids=" ".join,
)
def test_whatever_only_reads_a_catalog_loads_no_protobuf(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "catalog" / "team").mkdir(parents=True)
    (tmp_path / "catalog" / "mesh.yaml").write_text(mesh_text("example", "2026.11"))
    (tmp_path / "catalog" / "team" / "hello.yaml").write_text(hello_text())
    assert loaded_by(arguments, tmp_path) & PROTOBUF == set()

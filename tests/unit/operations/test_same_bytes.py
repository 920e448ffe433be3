"""The same catalog gives the same bytes, in any process and in any order of its files."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "tests" / "support" / "compile_example.py"


def test_five_fresh_processes_compile_the_example_mesh_to_the_same_bytes() -> None:
    runs = [_hashes(seed) for seed in range(5)]
    assert len(runs[0]) > 10
    assert all(run == runs[0] for run in runs[1:])


def _hashes(seed: int) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(seed)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(1000 + seed)},
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found

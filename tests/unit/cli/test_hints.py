"""What to type next names the file that was written, where that can be told."""

import subprocess
import sys
from pathlib import Path

from meshctl.operations.init import init

BOOTSTRAP = (sys.executable, "-m", "meshctl", "bootstrap", "sidecar", "--service", "hello")


def test_bootstrap_names_the_file_it_went_to(tmp_path: Path) -> None:
    init(tmp_path)
    with (tmp_path / "hello.yaml").open("w") as file:
        pipe = subprocess.PIPE
        done = subprocess.run(BOOTSTRAP, cwd=tmp_path, stdout=file, stderr=pipe, text=True, check=True)
    name = "hello.yaml" if sys.platform == "linux" else "FILE"  # others do not tell the name of an open file
    assert done.stderr == f"next: envoy -c {name}\n"


def test_bootstrap_into_a_pipe_says_file(tmp_path: Path) -> None:
    init(tmp_path)
    done = subprocess.run(BOOTSTRAP, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == "next: envoy -c FILE\n"

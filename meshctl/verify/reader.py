"""A real Envoy that only reads a configuration: `envoy --mode validate`.

Imports its neighbours. Nothing listens, nothing is fetched; a start takes a tenth of a second.
"""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from meshctl.verify.processes import envoy_program

_LONGEST_S = 120.0
"""Far beyond what the largest batch takes; an Envoy that hangs must not hang its caller."""
_LOG_LINE = re.compile(r"(?s)^.*?\[critical\].*?error initializing configuration '[^']*': ")
_VERSION = re.compile(r"/(\d+\.\d+\.\d+)[^/]*/")


class ReaderFailed(Exception):
    """Envoy neither took a configuration nor refused it; the message says what happened."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Gives whole configurations to the Envoy of `program`."""

    program: str

    @classmethod
    def found(cls) -> "Reader":
        """With the Envoy of `envoy_program`. Raises ProgramMissing."""
        return cls(envoy_program())

    def version(self) -> str:
        """Its release, such as 1.40.0. Raises ReaderFailed."""
        said = self._run(("--version",)).stdout
        known = _VERSION.search(said)
        if known is None:
            raise ReaderFailed(f"{self.program} does not say which Envoy it is: {said.strip()[:200]!r}")
        return known[1]

    def refusal(self, config: bytes) -> str | None:
        """Envoy's whole words of why it refuses a serialised bootstrap; None: it takes it.

        Raises ReaderFailed.
        """
        with TemporaryDirectory(prefix="meshctl-envoy-") as folder:
            file = Path(folder) / "config.pb"
            file.write_bytes(config)
            return self.refusal_of(file)

    def refusal_of(self, file: Path) -> str | None:
        """The same of a file: a bootstrap whose form Envoy knows by the file's ending.

        In a file it refuses fields that it does not know, too, which over the wire it would ignore.
        """
        options = ("--mode", "validate", "--log-level", "critical", "--config-path", str(file))
        done = self._run(options)
        if done.returncode == 0:
            return None
        if not _LOG_LINE.search(done.stderr):
            raise ReaderFailed(f"envoy ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
        return _LOG_LINE.sub("", done.stderr)

    def _run(self, arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        command = (self.program, *arguments)
        try:
            return subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=_LONGEST_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise ReaderFailed(f"envoy has not read its configuration after {_LONGEST_S:g} s") from None

"""What a file's problems look like to its author."""

from collections.abc import Callable

import pytest

from meshctl.catalog.source import read_source
from meshctl.problems import findings

Told = Callable[..., list[str]]


@pytest.fixture
def told() -> Told:
    """All problems of one file, each as the line that is printed, without the file's name."""

    def tell(text: str | bytes, file: str = "platform/voice.yaml") -> list[str]:
        source = read_source(file, text.encode() if isinstance(text, str) else text)
        assert (source.entry is None) == bool(source.problems)
        return [str(f).removeprefix(f"{file}:") for f in findings(source.problems, source.locate)]

    return tell


@pytest.fixture
def voice(told: Told) -> Told:
    """The same for more lines of a service that is right so far; they begin in line 4."""
    return lambda text: told(f"service: voice\nport: 8080\nendpoints: [10.0.0.1]\n{text}\n")

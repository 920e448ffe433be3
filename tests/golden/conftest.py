"""`--refresh-golden` writes the expected parts of the cases anew; `git diff` is the review."""

from pathlib import Path

import pytest

from tests.golden.case import Case


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh-golden", action="store_true", help="write the expected parts of golden cases")


class Golden:
    """Compares a case with what came out, or writes that into its file."""

    def __init__(self, *, refresh: bool) -> None:
        self._refresh = refresh

    def check(self, path: Path, actual: Case, meaning: str = "") -> None:
        """`actual` is the case of this file with its expected sections as they came out.

        `meaning`: what a difference means, where that is not plain from the case.
        """
        if self._refresh and actual.text != path.read_text(encoding="utf-8"):
            path.write_text(actual.text, encoding="utf-8")
        assert actual.text == path.read_text(encoding="utf-8"), meaning


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(refresh=request.config.getoption("--refresh-golden", default=False))

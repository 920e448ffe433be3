"""docs/reference/ says what is declared, and nothing else."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.reference import FOLDER, pages

STALE = "docs/reference/ is not what is declared; write it anew: make reference"


@pytest.fixture(scope="module")
def made() -> Mapping[str, str]:
    return pages()


def test_reference_is_what_is_declared(made: Mapping[str, str]) -> None:
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}
    assert found == made, STALE


def test_links_of_the_reference_lead_somewhere(made: Mapping[str, str]) -> None:
    for name, text in made.items():
        for target, anchor in re.findall(r"\]\(([a-z.]*)#([a-z0-9_-]*)\)", text):
            headings = re.findall(r"(?m)^#+ (.*)$", made[target or name])
            assert anchor in {re.sub(r"[^a-z0-9_-]", "", heading.lower()) for heading in headings}, anchor


def test_reference_stands_in_the_repository() -> None:
    assert Path("docs/reference").resolve() == FOLDER

"""Catalog in, problems or resources out: what every part of the language becomes.

A case has sections `--- catalog/<path>` (mesh.yaml may be left out), then what is expected: `--- problems`,
and `--- cds|eds|lds|rds <view>` with the decoded resources. A new case needs the titles alone;
`make golden` writes what belongs below them.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from meshctl.cli.yaml_text import as_yaml
from meshctl.names import ViewKey
from meshctl.operations.compile import WATCHED, Compiler
from meshctl.operations.load import resolved
from meshctl.operations.read_back import disagreement
from meshctl.operations.render import render, resources
from meshctl.operations.validate import validate
from tests.golden.case import Case, Section, cases
from tests.golden.conftest import Golden

FOLDER = Path(__file__).parent / "cases"
CATALOG = "catalog/"
MESH = b"format: 1\nedition: 2026.11\nname: example\n"


@pytest.mark.parametrize("path", cases(FOLDER), ids=lambda path: path.stem)
def test_catalog_becomes_what_the_case_says(path: Path, golden: Golden) -> None:
    case = Case.read(path)
    compiler = compiler_of(case)
    sections = tuple(came_out(compiler, section) for section in case.sections)
    golden.check(path, Case(case.purpose, sections))


@pytest.mark.parametrize("path", cases(FOLDER), ids=lambda path: path.stem)
def test_two_implementations_read_the_same_from_the_bytes(path: Path) -> None:
    case = Case.read(path)
    compiler = compiler_of(case)
    views = {section.words[1] for section in case.sections if section.words[1]}
    served = [one for view in views for one in resources(compiler, ViewKey.parse(view))]
    assert [different for one in served if (different := disagreement(one))] == []


def test_every_case_says_what_is_expected() -> None:
    silent = [path.name for path in cases(FOLDER) if not any(_expected(Case.read(path).sections))]
    assert silent == []


def compiler_of(case: Case) -> Compiler:
    """Compiles the catalog of a case."""
    files = {
        section.title.removeprefix(CATALOG): section.body.encode()
        for section in case.sections
        if section.title.startswith(CATALOG)
    }
    return Compiler(resolved({"mesh.yaml": MESH, **files}, WATCHED))


def _expected(sections: Iterable[Section]) -> Iterable[Section]:
    return (section for section in sections if not section.title.startswith(CATALOG))


def came_out(compiler: Compiler, section: Section) -> Section:
    """A section of a case with what its catalog becomes."""
    if section.title.startswith(CATALOG):
        return section
    if section.title == "problems":
        return Section(section.title, "".join(f"{one}\n" for one in validate(compiler.resolver).findings))
    short, view = section.words
    found = render(resources(compiler, ViewKey.parse(view)), [short])[short]
    return Section(section.title, as_yaml(found))

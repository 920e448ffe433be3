"""`meshctl serve`: which folder it takes for its catalog."""

from pathlib import Path

import pytest

from meshctl.cli.main import run
from meshctl.operations.init import init
from meshctl.serve.app import Settings


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The catalogs that a server was started on, in a folder that has been served before."""
    init(tmp_path)
    (tmp_path / ".meshctl").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MESHCTL_CATALOG", raising=False)
    catalogs = []

    async def run_(settings: Settings, _services: object) -> None:
        catalogs.append(settings.catalog)

    monkeypatch.setattr("meshctl.cli.commands.serve.run", run_)
    return catalogs


def test_a_folder_beside_the_catalog_that_is_not_there_is_a_mistake(
    served: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", "--catalog", "nowhere"]) == 1
    assert capsys.readouterr().err == "Error: nowhere does not exist\n"
    assert served == []


def test_a_team_is_no_catalog(served: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--catalog", "catalog/platform"]) == 1
    said = "Error: catalog/platform is inside the catalog catalog; add: --catalog catalog\n"
    assert capsys.readouterr().err == said
    assert served == []


def test_a_catalog_that_was_served_before_and_is_gone_is_waited_for(
    served: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "catalog").rename(tmp_path / "unmounted")
    assert run(["serve", "--catalog", "catalog"]) == 0
    assert served == [Path("catalog")]

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshctl.catalog.folder import (
    InsideMesh,
    NoCatalog,
    Unreadable,
    find_root,
    is_entry,
    read_file,
    read_folder,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mesh.yaml").write_text("format: 1\n")
    (tmp_path / "platform").mkdir()
    (tmp_path / "platform" / "voice.yaml").write_text("service: voice\n")
    return tmp_path


def test_all_files_are_read_in_order_with_those_in_wrong_places(root: Path) -> None:
    (root / "stray.yaml").write_text("")
    (root / "platform" / "old.yml").write_text("")
    (root / "platform" / "deep").mkdir()
    (root / "platform" / "deep" / "x.yaml").write_text("")
    files = ["mesh.yaml", "platform/deep/x.yaml", "platform/old.yml", "platform/voice.yaml", "stray.yaml"]
    assert list(read_folder(root)) == files


@pytest.mark.parametrize(
    "name",
    ["voice.yaml~", ".voice.yaml.swp", ".#voice.yaml", "#voice.yaml#", ".hidden.yaml", "README.md", "4913"],
)
def test_what_editors_leave_is_no_entry(root: Path, name: str) -> None:
    (root / "platform" / name).write_text("")
    assert not is_entry(f"platform/{name}")
    assert list(read_folder(root)) == ["mesh.yaml", "platform/voice.yaml"]


def test_name_that_is_no_text_is_no_entry(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root / "platform") + b"/caf\xe9.yaml")).write_text("")
    assert list(read_folder(root)) == ["mesh.yaml", "platform/voice.yaml"]


def test_hidden_folders_are_no_teams(root: Path) -> None:
    (root / ".git").mkdir()
    (root / ".git" / "x.yaml").write_text("")
    assert not is_entry(".git/x.yaml")
    assert list(read_folder(root)) == ["mesh.yaml", "platform/voice.yaml"]


def test_a_pipe_is_told_and_nobody_waits_for_it(root: Path) -> None:
    os.mkfifo(root / "platform" / "pipe.yaml")
    text = read_folder(root)["platform/pipe.yaml"]
    assert isinstance(text, Unreadable)
    assert text.reason == "is not a regular file"


def test_a_link_to_nothing_does_not_look_deleted(root: Path) -> None:
    (root / "platform" / "gone.yaml").symlink_to(root / "nowhere")
    assert isinstance(read_folder(root)["platform/gone.yaml"], Unreadable)
    (root / "platform" / "loop.yaml").symlink_to(root / "platform" / "loop.yaml")
    assert isinstance(read_folder(root)["platform/loop.yaml"], Unreadable)


def test_links_between_folders_end(root: Path) -> None:
    (root / "platform" / "up").symlink_to(root)
    (root / "again").symlink_to(root)
    assert {"mesh.yaml", "platform/voice.yaml"} <= read_folder(root).keys()


def test_a_mounted_catalog_of_links_is_read(tmp_path: Path) -> None:
    data = tmp_path / "..2026_11_23"
    (data / "platform").mkdir(parents=True)
    (data / "mesh.yaml").write_text("format: 1\n")
    (data / "platform" / "voice.yaml").write_text("service: voice\n")
    (tmp_path / "mesh.yaml").symlink_to(data / "mesh.yaml")
    (tmp_path / "platform").symlink_to(data / "platform")
    assert list(read_folder(tmp_path)) == ["mesh.yaml", "platform/voice.yaml"]


def test_one_file_is_read_or_absent(root: Path) -> None:
    assert read_file(root, "platform/voice.yaml") == b"service: voice\n"
    assert read_file(root, "platform/sync.yaml") is None
    assert read_file(root, "mesh.yaml/sync.yaml") is None
    assert isinstance(read_file(root, "platform"), Unreadable)


def test_of_a_file_that_is_too_large_no_more_is_read_than_says_so(root: Path) -> None:
    (root / "platform" / "big.yaml").write_bytes(b"x" * (3 << 20))
    assert len(read_folder(root)["platform/big.yaml"]) == (1 << 20) + 1


def test_a_team_whose_folder_cannot_be_read_does_not_look_deleted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(path: Path) -> "Iterator[os.DirEntry[str]]":
        if path.name == "platform":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(NoCatalog, match=r"platform cannot be read: Permission denied; make it readable"):
        read_folder(root)


def test_a_catalog_is_a_folder_with_mesh_yaml_or_the_one_that_has_it(
    root: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert find_root(root) == root
    outer = tmp_path / "outer"
    (outer / "catalog").mkdir(parents=True)
    assert find_root(outer) == outer / "catalog"
    with pytest.raises(NoCatalog, match="type: meshctl init"):
        find_root(tmp_path_factory.mktemp("bare"))
    with pytest.raises(NoCatalog, match="does not exist"):
        find_root(root / "nowhere")


def test_a_part_of_a_mesh_is_told_with_the_folder_to_name_instead(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InsideMesh, match="is inside the catalog") as inside:
        find_root(root / "platform")
    assert inside.value.mesh == root
    monkeypatch.chdir(root / "platform")
    with pytest.raises(InsideMesh, match=r"^\. is inside the catalog \.\.$"):
        find_root(Path())


def test_a_folder_that_is_not_there_is_not_read(root: Path) -> None:
    with pytest.raises(NoCatalog, match="is not a folder"):
        read_folder(root / "nowhere")

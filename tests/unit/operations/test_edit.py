"""Files are written whole, only when the catalog is right with them, and never over others."""

from pathlib import Path

import pytest

from meshctl.operations.edit import AlreadyThere, NewService, add_service, write_file
from meshctl.operations.init import NotEmpty, PartOfMesh, init


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init(tmp_path)
    return tmp_path / "catalog"


def test_a_right_service_is_written_and_leaves_no_draft(root: Path) -> None:
    file, report = add_service(root, "platform", NewService("users", 8080, ["127.0.0.1:9001"]))
    assert report.valid
    assert report.services == 2
    text = "service: users\nport: 8080\nendpoints: [127.0.0.1:9001]\n"
    assert (root / file).read_text() == f"# yaml-language-server: $schema=../schema.json\n{text}"
    assert sorted(path.name for path in (root / "platform").iterdir()) == ["hello.yaml", "users.yaml"]


def test_a_catalog_without_a_schema_names_none(root: Path) -> None:
    (root / "schema.json").unlink()
    file, _ = add_service(root, "platform", NewService("users", 8080, ["127.0.0.1:9001"]))
    assert (root / file).read_text().startswith("service: users\n")


def test_a_wrong_service_is_not_written(root: Path) -> None:
    _, report = add_service(root, "platform", NewService("users", 8080, ["localhost"], uses=["helo"]))
    assert not report.valid
    assert not (root / "platform" / "users.yaml").exists()


def test_an_existing_file_is_left_alone(root: Path) -> None:
    before = (root / "platform" / "hello.yaml").read_text()
    with pytest.raises(AlreadyThere, match=r"declared already in .*/hello\.yaml:3:10; choose another"):
        add_service(root, "platform", NewService("hello", 8080, []))
    assert (root / "platform" / "hello.yaml").read_text() == before


def test_a_file_that_declares_nothing_is_left_alone_too(root: Path) -> None:
    (root / "platform" / "users.yaml").write_text("")
    with pytest.raises(AlreadyThere, match=r"users\.yaml exists; edit it"):
        add_service(root, "platform", NewService("users", 8080, []))


def test_a_mesh_within_a_mesh_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for folder in (root, root / "platform", root / "new", tmp_path / "notes"):
        with pytest.raises(PartOfMesh, match=r"part of the mesh .*; nothing was written"):
            init(folder)
    assert init(tmp_path / "example")  # a folder of its own, beside the catalog


def test_a_file_that_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "taken.yaml").mkdir()
    with pytest.raises(IsADirectoryError):
        write_file(tmp_path / "taken.yaml", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.yaml"]


def test_init_writes_nothing_where_anything_of_it_exists(tmp_path: Path) -> None:
    (tmp_path / ".editorconfig").write_text("mine")
    with pytest.raises(NotEmpty, match="editorconfig exists already"):
        init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".editorconfig"]


@pytest.mark.parametrize(
    ("folder", "name"), [("My Shop_2", "my-shop-2"), ("---", "example"), ("x" * 80, "x" * 63)]
)
def test_a_new_mesh_is_named_like_its_folder_where_that_is_a_name(
    tmp_path: Path, folder: str, name: str
) -> None:
    init(tmp_path / folder)
    assert f"\nname: {name}\n" in (tmp_path / folder / "catalog" / "mesh.yaml").read_text()

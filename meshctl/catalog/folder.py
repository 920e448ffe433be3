"""The files of a catalog on disk: which belong to it, and their bytes. Never hangs on what is no file.

Imports nothing of meshctl.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MESH_FILE = "mesh.yaml"
_ENDINGS = (".yaml", ".yml")
"""Those that are read; `.yml` to say that it must be `.yaml`, since leaving it out would surprise."""
_NO_TEXT = re.compile("[\ud800-\udfff]")
"""What Python puts in place of a name's bytes that are no UTF-8."""
_MOST = (1 << 20) + 1
"""Bytes that are read of a file: one more than may be in it, so that the reader sees it is too large."""
_DEEPEST = 4
"""Folders below the catalog that are searched for files that stand too deep."""


class NoCatalog(Exception):
    """A folder is not a catalog, or not one that can be read; the message says what to do."""


class InsideMesh(NoCatalog):
    """A folder is a part of a mesh and not its catalog; `mesh` is the folder to name instead."""

    def __init__(self, message: str, mesh: Path) -> None:
        super().__init__(message)
        self.mesh = mesh


class Unreadable(bytes):
    """Stands for the text of a file that is there and cannot be read; it must not look deleted."""

    reason: str

    def __new__(cls, reason: str) -> "Unreadable":
        """`reason` completes the sentence "the file ..."."""
        made = super().__new__(cls)
        made.reason = reason
        return made


def find_root(path: Path) -> Path:
    """The catalog that is meant: `path` itself, or its folder `catalog`. Raises NoCatalog."""
    if os.path.exists(path / MESH_FILE):  # unlike Path's, it does not raise where it may not look
        return path
    inner = path / "catalog"
    if os.path.isdir(inner):
        return inner
    raise _no_catalog(path)


def mesh_around(path: Path) -> Path | None:
    """The catalog, or the folder that holds catalog/, that `path` is or is a part of; None: of no mesh.

    Written as seen from here where `path` is relative: `..`, `../..`.
    """
    whole = path.resolve()
    for folder in (whole, *whole.parents):
        if os.path.isfile(folder / MESH_FILE) or os.path.isfile(folder / "catalog" / MESH_FILE):
            return folder if path.is_absolute() else Path(os.path.relpath(folder))
    return None


def _no_catalog(path: Path) -> NoCatalog:
    around = mesh_around(path)
    try:
        path.stat()
    except PermissionError as error:
        return NoCatalog(f"{path} cannot be read: {_reason(error)}")
    except OSError:
        fix = "" if around else f"; to make a new mesh there, type: meshctl init {path}"
        return NoCatalog(f"{path} does not exist{fix}")
    if not path.is_dir():
        return NoCatalog(f"{path} is a file, not a folder")
    if around is None:
        return NoCatalog(
            f"{path} has neither {MESH_FILE} nor a folder catalog/; to make a new mesh there, type:"
            f" meshctl init {path}"
        )
    what = "inside the catalog" if (around / MESH_FILE).is_file() else "below the mesh"
    return InsideMesh(f"{path} is {what} {around}", around)


def is_entry(file: str) -> bool:
    """Whether a file of this path, relative to the catalog, belongs to it: no hidden or temporary one.

    Nor one whose name is no UTF-8: it could be neither shown nor kept, and cannot be the name of an entry.
    """
    path = PurePosixPath(file)
    if _NO_TEXT.search(file):
        return False
    return path.suffix in _ENDINGS and not any(part.startswith((".", "#")) for part in path.parts)


def read_folder(root: Path) -> dict[str, bytes]:
    """All files of a catalog by path, sorted. Raises NoCatalog where a folder cannot be read."""
    if not root.is_dir():
        raise NoCatalog(f"{root} is not a folder; to make a new mesh, type: meshctl init")
    texts = ((file, read_file(root, file)) for file in list_files(root))
    return {file: text for file, text in texts if text is not None}


def list_files(root: Path) -> list[str]:
    """The files of a catalog by their paths within it, sorted, without reading them."""
    return sorted(_files(root, "", _DEEPEST))


def read_file(root: Path, file: str) -> bytes | None:
    """The bytes of a file, None where there is none, `Unreadable` where it cannot be read."""
    path = root / file
    try:
        # Without O_NONBLOCK, opening a pipe would wait for somebody who writes into it.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Unreadable("is a link to a file that does not exist") if path.is_symlink() else None
    except NotADirectoryError:
        return None
    except (OSError, ValueError) as error:
        return Unreadable(f"cannot be read: {_reason(error)}")
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return Unreadable("is not a regular file")
        with os.fdopen(os.dup(handle), "rb") as opened:
            return opened.read(_MOST)
    except OSError as error:
        return Unreadable(f"cannot be read: {_reason(error)}")
    finally:
        os.close(handle)


def _reason(error: OSError | ValueError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _files(folder: Path, before: str, deeper: int) -> Iterator[str]:
    """Paths of entries below a folder. Links to folders are followed for teams only: no loops."""
    try:
        found = list(os.scandir(folder))
    except FileNotFoundError:  # deleted a moment ago
        return
    except OSError as error:
        fix = "make it readable, or its entries would look deleted"
        raise NoCatalog(f"the folder {folder} cannot be read: {_reason(error)}; {fix}") from error
    for item in found:
        file = before + item.name
        is_team = before == ""
        if item.name.startswith("."):
            continue
        if _is_folder(item, follow=is_team):
            if deeper > 0:
                yield from _files(folder / item.name, f"{file}/", 0 if item.is_symlink() else deeper - 1)
        elif is_entry(file) and not _is_folder(item, follow=True):
            yield file


def _is_folder(item: os.DirEntry[str], *, follow: bool) -> bool:
    try:
        return item.is_dir(follow_symlinks=follow)
    except OSError:  # a link to itself
        return False

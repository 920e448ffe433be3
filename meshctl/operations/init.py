"""A new mesh folder: its catalog with a first service, settings for editors, and a check for CI.

May import the catalog, and the schema that editors check its files by.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from meshctl.catalog.edit import hello_text, mesh_text
from meshctl.catalog.files import EDITIONS
from meshctl.catalog.folder import MESH_FILE, mesh_around
from meshctl.catalog.schema import SCHEMA_FILE, modeline
from meshctl.names import is_name
from meshctl.operations.edit import write_file
from meshctl.operations.schema import schema_text

TEAM = "platform"
"""The first team: who starts a mesh is usually the one that runs it for others."""

_EDITORCONFIG = """\
[*.yaml]
charset = utf-8
end_of_line = lf
indent_style = space
indent_size = 2
insert_final_newline = true
trim_trailing_whitespace = true
"""

_VSCODE_TASKS = """\
{
  // "Run Build Task" shows the problems of the catalog beside their lines.
  "version": "2.0.0",
  "tasks": [
    {
      "label": "meshctl validate",
      "type": "process",
      "command": "meshctl",
      "args": ["validate"],
      "group": { "kind": "build", "isDefault": true },
      "presentation": { "reveal": "silent" },
      "problemMatcher": {
        "owner": "meshctl",
        "fileLocation": ["relative", "${workspaceFolder}"],
        "pattern": {
          "regexp": "^(.+?):(\\\\d+):(\\\\d+): (MSH\\\\d+) (.*)$",
          "file": 1, "line": 2, "column": 3, "code": 4, "message": 5
        }
      }
    }
  ]
}
"""

_CI = """\
# An example for GitHub: a change with a mistake in it cannot be merged.
name: catalog
on: [push, pull_request]
jobs:
  validate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - run: pip install meshctl
      - run: meshctl validate
"""


class NotEmpty(Exception):
    """A file that a new mesh has is there already; the message says which."""


class PartOfMesh(Exception):
    """The folder is a part of a mesh that is there already; the message says of which."""


def init(folder: Path) -> tuple[str, ...]:
    """Write a new mesh into `folder`, and return its files, relative to it.

    Raises NotEmpty, before anything is written, when one of them or a catalog exists; PartOfMesh; OSError.
    """
    _refuse_a_mesh_within_a_mesh(folder)
    files = _files(_mesh_name(folder))
    for file in ("catalog", *files):
        if (folder / file).exists():
            raise NotEmpty(f"{folder / file} exists already; nothing was written")
    for file, text in files.items():
        write_file(folder / file, text)
    return tuple(files)


def _refuse_a_mesh_within_a_mesh(folder: Path) -> None:
    """A folder of a catalog is never a new mesh; one beside a catalog is, if it is new and was named."""
    mesh = mesh_around(folder)
    if mesh is None or (mesh.resolve() == folder.resolve() and not (folder / MESH_FILE).is_file()):
        return  # its own catalog/ is told as a file that exists
    if folder.exists() or (mesh / MESH_FILE).is_file():
        raise PartOfMesh(f"this folder is part of the mesh {mesh}; nothing was written")


def _files(name: str) -> Mapping[str, str]:
    hello = f"{TEAM}/hello.yaml"
    return {
        f"catalog/{MESH_FILE}": modeline(MESH_FILE) + mesh_text(name, EDITIONS[-1]),
        f"catalog/{hello}": modeline(hello) + hello_text(),
        f"catalog/{SCHEMA_FILE}": schema_text(),
        ".editorconfig": _EDITORCONFIG,
        ".vscode/tasks.json": _VSCODE_TASKS,
        ".github/workflows/catalog.yaml": _CI,
    }


def _mesh_name(folder: Path) -> str:
    """The folder's own name where it can be one."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")[:63].strip("-")
    return name if is_name(name) else "example"

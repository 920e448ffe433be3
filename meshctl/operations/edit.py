"""A team's edits of its files: a new file is written only if the whole catalog is right with it.

May import the catalog and the mesh; no protobuf.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from meshctl.catalog.edit import service_text
from meshctl.catalog.folder import read_folder
from meshctl.catalog.schema import SCHEMA_FILE, modeline
from meshctl.catalog.source import Kind, read_source
from meshctl.operations.load import resolved
from meshctl.operations.validate import Report, validate
from meshctl.problems import Place


class AlreadyThere(Exception):
    """A new entry's name or file is taken; the message says where."""


@dataclass(frozen=True, slots=True)
class NewService:
    """What a team says of a new service; None and empty where it says nothing."""

    name: str
    port: int
    endpoints: Sequence[str]
    uses: Sequence[str] = ()
    protocol: str | None = None
    egress_port: int | None = None
    description: str | None = None


def add_service(root: Path, team: str, service: NewService) -> tuple[str, Report]:
    """Write the file of a new service, if the catalog in `root` is valid with it.

    It names the schema to editors where the catalog has one. Returns the file, relative to `root`, and the
    report; nothing is written unless that is valid. Raises AlreadyThere, NoCatalog, and OSError when the file
    cannot be written.
    """
    file = f"{team}/{service.name}.yaml"
    texts = read_folder(root)
    _refuse_taken(root, texts, file, service.name)
    text = modeline(file) if (root / SCHEMA_FILE).is_file() else ""
    text += service_text(
        service.name,
        port=service.port,
        endpoints=service.endpoints,
        uses=service.uses,
        protocol=service.protocol,
        egress_port=service.egress_port,
        description=service.description,
    )
    report = validate(resolved({**texts, file: text.encode()}))
    if report.valid:
        write_file(root / file, text)
    return file, report


def _refuse_taken(root: Path, texts: Mapping[str, bytes], file: str, name: str) -> None:
    key = Kind.SERVICE.value
    for source in map(read_source, texts, texts.values()):
        if source.kind is Kind.SERVICE and source.name == name:
            span = source.locate(Place(source.file, (key,)))
            where = replace(span, file=str(root / source.file))
            fix = "choose another name or edit that file"
            raise AlreadyThere(f"{key} {name!r} is declared already in {where}; {fix}")
    if file in texts:
        raise AlreadyThere(f"{root / file} exists; edit it")


def write_file(path: Path, text: str) -> None:
    """Write a file whole or not at all: whoever watches the folder never reads half of it.

    Its folder is made if need be. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")  # hidden: no entry of a catalog
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)

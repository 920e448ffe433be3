"""Build hook: compiles `protos/` into the package, for wheels and for editable installs alike.

Hatchling loads this file; `python hatch_build.py` only compiles. Uses grpcio-tools and mypy-protobuf.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_ROOT = Path(__file__).resolve().parent
_PROTOS = "protos"
_GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


class ProtoBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own configuration
    """Makes `meshctl.v1.fleet_pb2` and its siblings before the files of a wheel are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the protos and name the results as artifacts, since git ignores them."""
        root = Path(self.root)
        for proto in compile_protos(root):
            folder = proto.relative_to(root / _PROTOS).parent.as_posix()
            build_data["artifacts"].extend(f"/{folder}/{pattern}" for pattern in _GENERATED)


def compile_protos(root: Path) -> list[Path]:
    """Compile every proto under `root/protos` to the same path under `root`; return the protos.

    Raises RuntimeError when protoc refuses a file; its reason is on stderr.
    """
    source = root / _PROTOS
    protos = sorted(source.rglob("*.proto"))
    arguments = [
        f"--proto_path={source}",
        f"--proto_path={_well_known_types()}",
        f"--python_out={root}",
        f"--grpc_python_out={root}",
        *_types("mypy", root),
        *_types("mypy_grpc", root),
        *map(str, protos),
    ]
    status = protoc.main(["protoc", *arguments])
    if status != 0:
        raise RuntimeError(f"protoc ended with status {status}")
    return protos


def _well_known_types() -> Path:
    """Where grpcio-tools keeps google/protobuf/*.proto."""
    return Path(protoc.__file__).parent / "_proto"


def _types(plugin: str, out: Path) -> tuple[str, str]:
    """The options that make one of mypy-protobuf's plug-ins write its .pyi files.

    They beat protoc's own --pyi_out, which takes any text for an enum and writes none for services.
    """
    name = f"protoc-gen-{plugin}"
    # A build in isolation has its tools on PATH, any other beside the interpreter.
    folders = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    found = shutil.which(name, path=folders)
    if found is None:
        raise RuntimeError(f"{name} is not installed; it comes with mypy-protobuf")
    return f"--plugin={name}={found}", f"--{plugin}_out=quiet:{out}"


if __name__ == "__main__":
    compile_protos(_ROOT)

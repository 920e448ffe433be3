"""Rules of this code base that ruff cannot express: where protobuf messages become bytes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import meshctl

PACKAGE = Path(meshctl.__file__).parent

ENCODING = {"Pack", "SerializeToString", "SerializePartialToString"}

# Their bytes are hashed and compared, so they must be the same in every process.
DETERMINISTIC = {"envoy/pb.py", "snapshot/encode.py"}

# Their bytes travel once and are forgotten.
TRANSPORT = {"xds/sotw.py", "xds/delta.py", "xds/server.py", "cli/client.py", "api/fleet.py"}


def encoding_calls(source: str) -> Iterator[tuple[int, str, bool]]:
    """Line, method and whether `deterministic=True` was said, of each call that makes bytes of a message."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ENCODING:
            yield node.lineno, node.func.attr, any(map(_says_deterministic, node.keywords))


def _says_deterministic(keyword: ast.keyword) -> bool:
    value = keyword.value
    return keyword.arg == "deterministic" and isinstance(value, ast.Constant) and value.value is True


def misplaced(path: str, source: str) -> list[str]:
    """What breaks the rule in one module, as `line: reason`; `path` is relative to the package."""
    found = []
    for line, method, deterministic in encoding_calls(source):
        if path in DETERMINISTIC:
            if not deterministic:
                found.append(f"{line}: {method} without deterministic=True")
        elif path not in TRANSPORT:
            found.append(f"{line}: {method} belongs to envoy/pb.py or snapshot/encode.py")
    return found


def written_modules() -> list[str]:
    """Every module that somebody wrote, relative to the package."""
    paths = (path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
    return sorted(path for path in paths if not path.endswith(("_pb2.py", "_pb2_grpc.py")))


@pytest.mark.parametrize("path", written_modules())
def test_messages_become_bytes_in_few_places(path: str) -> None:
    assert misplaced(path, (PACKAGE / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("mesh/facts.py", "message.SerializeToString()", 1),
        ("envoy/listener.py", "any.Pack(filter, deterministic=True)", 1),
        ("envoy/pb.py", "any.Pack(filter)", 1),
        ("envoy/pb.py", "any.Pack(filter, deterministic=False)", 1),
        ("envoy/pb.py", "any.Pack(filter, deterministic=True)", 0),
        ("xds/delta.py", "response.SerializeToString()", 0),
    ],
)
def test_the_rule_finds_a_message_encoded_elsewhere_or_in_any_order(
    path: str, source: str, expected: int
) -> None:
    assert len(misplaced(path, source)) == expected

"""Marks the tests that show a key of the catalog in a request or connection through a real Envoy."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])

REAL = Path(__file__).parents[1] / "real"


def shows(*keys: str) -> Callable[[F], F]:
    """Mark a test that fails without these keys, written as `service.timeouts.request`."""
    assert keys
    return lambda test: test


def shown() -> Iterator[tuple[str, str]]:
    """The keys that tests under tests/real say they show, each with the test; read from their source."""
    for file in sorted(REAL.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for key in _marks(node):
                    yield key, f"{file.relative_to(REAL)}::{node.name}"


def _marks(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for mark in test.decorator_list:
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == shows.__name__:
            for argument in mark.args:
                assert isinstance(argument, ast.Constant), "the names of keys stand in the decorator"
                yield str(argument.value)

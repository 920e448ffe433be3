"""The log taken apart again: lines to events and fields, and the events that the source can log."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import meshctl

_EVENT = r"[A-Za-z][\w -]*"
_VALUE = r"""(?:[^\s"'=]+|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_FIELD = re.compile(rf"(?P<key>\w+)=(?P<value>{_VALUE})")
_LINE = re.compile(
    rf"(?P<time>\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z) (?P<level>[A-Z]+) "
    rf"(?P<event>{_EVENT}):(?P<fields>(?: \w+={_VALUE})+)"
)
_FORMAT = re.compile(rf"(?P<event>{_EVENT}):(?: \w+=%[sdrg])+")
_METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log."""

    level: str
    event: str
    fields: Mapping[str, str]


def parse(text: str) -> Line | None:
    """A line taken apart; None where it has not the form of the log."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    fields = {one["key"]: _unquoted(one["value"]) for one in _FIELD.finditer(found["fields"])}
    return Line(found["level"], found["event"], fields)


def _unquoted(value: str) -> str:
    return str(ast.literal_eval(value)) if value[0] in "\"'" else value


@dataclass(frozen=True, slots=True)
class Logged:
    """A call in the source that logs: `event` is "" where its text has not the form of the log."""

    place: str
    event: str


def logged() -> Iterator[Logged]:
    """Every call of a logger in the package."""
    root = Path(meshctl.__file__).parent
    for path in sorted(root.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from _calls(f"{path.relative_to(root)}", function)


def _calls(file: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Logged]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_logger(node.func):
            argument = node.args[1 if node.func.attr == "log" else 0]
            for text in _texts(argument, function):
                found = _FORMAT.fullmatch(text)
                yield Logged(f"{file}:{node.lineno}", found["event"] if found else "")


def _texts(argument: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """What stands there: a text, or all that the function gives to the name that stands there."""
    if not isinstance(argument, ast.Name):
        return [str(getattr(argument, "value", ""))]
    return [
        str(getattr(node.value, "value", ""))
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id == argument.id
    ]


def _is_logger(function: ast.Attribute) -> bool:
    return (
        function.attr in _METHODS
        and isinstance(function.value, ast.Name)
        and function.value.id in ("log", "_logger", "logger")
    )

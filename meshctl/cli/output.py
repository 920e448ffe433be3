"""How commands write: tables, JSON and YAML on stdout, what to type next on stderr.

May import click and its neighbours; knows nothing of what is written.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

_GAP = "  "


def hint(*lines: str) -> None:
    """Say on stderr what to type next, and what after it."""
    for index, line in enumerate(lines):
        click.echo(f"{'next: ' if index == 0 else ''}{line}", err=True)


def write(data: Mapping[str, object] | Sequence[object], form: str) -> None:
    """Write `data` to stdout; `form` is "json" or "yaml"."""
    if form == "json":
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        from meshctl.cli.yaml_text import as_yaml  # PyYAML is no part of `--help`

        click.echo(as_yaml(data), nl=False)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, the head in capitals; the last column is not filled up."""
    lines = [[title.upper() for title in head], *rows]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(_row(line, widths) for line in lines)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    filled = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    return _GAP.join(filled).rstrip()


def _width(cell: str) -> int:
    return len(click.unstyle(cell))


def plural(number: int, word: str) -> str:
    """`1 service`, `3 services`."""
    return f"{number:,} {word if number == 1 else word + 's'}"


def written_file() -> str:
    """The file that stdout goes to, as one would type it; "FILE" where that cannot be told."""
    try:
        path = Path(os.readlink(f"/proc/self/fd/{sys.stdout.fileno()}"))
    except OSError:  # not Linux, or no real file behind stdout
        return "FILE"
    return os.path.relpath(path) if path.is_file() else "FILE"


def moment(time: str, now: datetime) -> str:
    """A time in ISO 8601 to the second, and how long before `now` it is; "-" for an empty text."""
    if not time:
        return "-"
    return f"{datetime.fromisoformat(time).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} ({ago(time, now)})"


def ago(time: str, now: datetime) -> str:
    """How long before `now` a time in ISO 8601 is: `12s ago`, `3m ago`; empty for an empty text."""
    return f"{_span((now - datetime.fromisoformat(time)).total_seconds())} ago" if time else ""


def ahead(time: str, now: datetime) -> str:
    """How long after `now` a time in ISO 8601 is: `in 12s`; empty for an empty text."""
    return f"in {_span((datetime.fromisoformat(time) - now).total_seconds())}" if time else ""


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= length:
            return f"{whole // length}{unit}"
    return f"{whole}s"

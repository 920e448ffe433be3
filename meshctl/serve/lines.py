"""The form of the log: each line a time, a level, an event, and fields of it as key=value.

Imports the standard library. What holds a space, a quote or `=` stands in quotes as Python writes them, so
that a program can take a line apart; `docs/operations.md` lists the events.
"""

import logging
import re
from datetime import UTC, datetime

_PLAIN = re.compile(r"[^\s\"'=]+")

_OURS = "meshctl"


class Lines(logging.Formatter):
    """`2026-11-23T12:00:00.123Z INFO connected: node=web@1 ...`; UTC, and one line whatever happens."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line: what libraries say, and where an exception came from, as fields."""
        said = record.getMessage()
        if record.name.partition(".")[0] != _OURS:
            said = f"library: name={word(record.name)} said={said!r}"
        if record.exc_info:
            said = f"{said} traceback={self.formatException(record.exc_info)!r}"
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return f"{time.removesuffix('+00:00')}Z {record.levelname} {said}"


def word(value: object) -> str:
    """A value as it stands behind its key."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else repr(text)

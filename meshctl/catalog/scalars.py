"""Scalars, resolved by the type that is wanted: texts, numbers, times and shares (YAML 1.2 core schema).

Imports `catalog.key`, `catalog.problems`, `catalog.takes`, `catalog.yaml` and `units`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, TypeVar

from meshctl.catalog.key import Scalar, refuse, wrong_value
from meshctl.catalog.problems import (
    LISTED_TWICE,
    WRONG_NUMBER,
    WRONG_SHAPE,
    WRONG_TEXT,
    WRONG_UNIT,
    Mistake,
    shown,
)
from meshctl.catalog.takes import either, integer, marked, one_word, plain_text
from meshctl.catalog.yaml import ScalarNode
from meshctl.units import DURATION, PERCENT, Duration, Off, Percent

V = TypeVar("V")

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
"""Plain scalars that stand for no value, wherever one is wanted."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,3}))?")
_AMOUNT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?)[ ]*([a-zA-Z]*)")
_UNITS = {
    "": 1_000, "s": 1_000, "sec": 1_000, "secs": 1_000, "second": 1_000, "seconds": 1_000,
    "ms": 1, "msec": 1, "msecs": 1, "millisecond": 1, "milliseconds": 1,
    "m": 60_000, "min": 60_000, "mins": 60_000, "minute": 60_000, "minutes": 60_000,
    "h": 3_600_000, "hr": 3_600_000, "hrs": 3_600_000, "hour": 3_600_000, "hours": 3_600_000,
}  # fmt: skip
"""Units as people write them, in milliseconds; to say what to write instead."""


def is_null(written: object) -> bool:
    """Whether a key was written without a value."""
    return isinstance(written, ScalarNode) and written.plain and written.text in NULLS


def read_text(written: object, wanted: str = "a text") -> str:
    """The text as it was written, whatever it looks like. `wanted` says what it should have been."""
    if isinstance(written, ScalarNode) and not is_null(written):
        return written.text
    return written if isinstance(written, str) else wrong_value(wanted)


def read_integer(written: object, low: int, high: int, what: str) -> int:
    """A whole number of `low` to `high`, written without quotes."""
    if isinstance(written, int) and not isinstance(written, bool):
        number = written
    else:
        text = read_text(written, "a number")
        if _INTEGER.fullmatch(text) is None:
            message = f"{shown(text)} is not a whole number"
            refuse(Mistake(WRONG_NUMBER, message, f"write {what} of {low} to {high}"))
        number = int(text)
        if not (isinstance(written, ScalarNode) and written.plain):
            message = f"the number {number} is in quotes, which makes it a text"
            refuse(Mistake(WRONG_SHAPE, message, f"write {number} without quotes"))
    if not low <= number <= high:
        fix = f"write a number of {low} to {high}" if low < high else f"write {low}"
        refuse(Mistake(WRONG_NUMBER, f"{number} is not {what}", fix))
    return number


_UNLIMITED = frozenset(
    {"0", "0s", "0ms", "none", "never", "infinite", "infinity", "unlimited", "-1", "false"}
)
"""What other programs call no limit."""

LONGEST = Duration(24 * 3_600_000)
"""The longest timeout: what waits longer is not a request."""


def read_duration(written: object) -> Duration:
    """A time with its unit, above zero and at most a day."""
    if isinstance(written, Duration):
        return written
    text = read_text(written, "a time")
    try:
        duration = Duration.parse(text)
    except ValueError:
        refuse(Mistake(WRONG_UNIT, f"{shown(text)} is not a time with its unit", _timely(text)))
    if not Duration(0) < duration <= LONGEST:
        message = f"{text} is not a time that a request can take"
        refuse(Mistake(WRONG_NUMBER, message, f"write a time above 0s and up to {LONGEST}"))
    return duration


def read_limit(written: object) -> Duration | Off:
    """A time as `read_duration` takes it, or `off` for no limit."""
    if isinstance(written, Off):
        return written
    if isinstance(written, Duration):
        return written
    text = read_text(written, "a time, or off")
    if text in _UNLIMITED:
        refuse(Mistake(WRONG_UNIT, f"{shown(text)} is not a time", f"write {Off.OFF} for no limit"))
    return Off.OFF if text == Off.OFF.value else read_duration(written)


def _timely(text: str) -> str:
    if (match := _AMOUNT.fullmatch(text.strip())) and (unit := _UNITS.get(match[2].lower())):
        amount = max(1, round(float(match[1]) * unit))
        return f"write {Duration(amount)}"
    return "write a number with ms, s, m or h, such as 250ms or 15s"


def read_percent(written: object) -> Percent:
    """A share with its sign, at most 100%."""
    if isinstance(written, Percent):
        return written
    text = read_text(written, "a percentage")
    try:
        return Percent.parse(text)
    except ValueError:
        refuse(Mistake(WRONG_UNIT, f"{shown(text)} is not a percentage", _share(text)))


def _share(text: str) -> str:
    if (match := _NUMBER.fullmatch(text.strip())) and float(match[0]) <= 100:
        return f"write {match[0]}%"
    return "write a number of 0 to 100 with %, such as 5% or 0.5%"


def limited(most: int) -> Scalar:
    """Texts of at most `most` bytes in UTF-8, and not empty."""

    def read(written: object) -> str:
        text = read_text(written)
        if not text or (size := len(text.encode())) > most:
            if not text:
                refuse(Mistake(WRONG_TEXT, "the text is empty", "write something, or leave the key out"))
            message = f"the text has {size:,} bytes, more than {most:,}"
            refuse(Mistake(WRONG_TEXT, message, f"write at most {most:,}"))
        return text

    return Scalar(read, plain_text(f"a text of at most {most:,} bytes", "", WRONG_TEXT, longest=most))


def whole(low: int, high: int, what: str) -> Scalar:
    """Whole numbers of `low` to `high`."""
    words = f"{what} of {low} to {high}" if low < high else str(low)
    return Scalar(
        lambda written: read_integer(written, low, high, what), integer(words, low, high, WRONG_NUMBER)
    )


def twice(items: Sequence[V], *path: str) -> Iterator[Mistake]:
    """A mistake for each item that stands in the list before; `path` leads to the list."""
    first: dict[V, int] = {}
    for index, item in enumerate(items):
        if first.setdefault(item, index) != index:
            message, fix = f"{shown(str(item))} is listed twice", "remove one of the two"
            yield Mistake(LISTED_TWICE, message, fix, (*path, index), also=((*path, first[item]),))


TIME = marked(f"a time such as 250ms, 5s or 2m, up to {LONGEST}", DURATION, WRONG_UNIT, WRONG_NUMBER)
SHARE = marked("a share such as 5% or 0.5%", PERCENT, WRONG_UNIT)

Time = Annotated[Duration, Scalar(read_duration, TIME)]
TimeLimit = Annotated[
    Duration | Off, Scalar(read_limit, either(f"{TIME.words}; or off", TIME, one_word([Off.OFF.value])))
]
Words = Annotated[str, limited(4_096)]
"""A text for people to read."""
Port = Annotated[int, whole(1, 65_535, "a port")]

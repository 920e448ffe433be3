"""Quantities with their units: durations and percentages, as people write them and as programs compare them.

Imports nothing of meshctl.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Self

DURATION = r"([0-9]{1,9})(ms|s|m|h)"
"""A duration as it is written."""
PERCENT = r"([0-9]{1,3})(?:\.([0-9]{1,2}))?%"
"""A percentage as it is written."""
_DURATION = re.compile(DURATION)
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_PERCENT = re.compile(PERCENT)


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time, exact to the millisecond."""

    milliseconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `250ms`, `5s`, `2m` or `1h`. Raises ValueError for anything else."""
        match = _DURATION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a duration such as 250ms, 5s, 2m or 1h")
        return cls(int(match[1]) * _MILLISECONDS[match[2]])

    @property
    def seconds(self) -> float:
        """The same length in seconds."""
        return self.milliseconds / 1000

    def __str__(self) -> str:
        for unit in ("h", "m", "s"):
            if self.milliseconds and self.milliseconds % _MILLISECONDS[unit] == 0:
                return f"{self.milliseconds // _MILLISECONDS[unit]}{unit}"
        return f"{self.milliseconds}ms"


class Off(Enum):
    """No limit, where there could be one."""

    OFF = "off"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class Percent:
    """A share of a whole, exact to a hundredth of a percent: `basis_points` 10,000 is all of it."""

    basis_points: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `5%`, `0.5%` or `100%`. Raises ValueError for anything else, and above 100%."""
        match = _PERCENT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a percentage such as 5% or 0.5%")
        value = cls(int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")))
        if value > cls(10_000):
            raise ValueError(f"{text!r} is more than 100%")
        return value

    def whole(self) -> int:
        """The share in whole percents, rounded down, for Envoy fields that take no fraction."""
        return self.basis_points // 100

    def __str__(self) -> str:
        whole, rest = divmod(self.basis_points, 100)
        return f"{whole}.{rest:02}".rstrip("0") + "%" if rest else f"{whole}%"

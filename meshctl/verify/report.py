"""What a load run counted, as frozen values.

Imports the standard library only.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed request: when (seconds since the load began), where, and what was seen instead of a 200."""

    at_s: float
    target: str
    reason: str
    received: bytes

    def __str__(self) -> str:
        seen = f": {self.received.decode(errors='replace')!r}" if self.received else ""
        return f"{self.at_s:.3f} s {self.target}: {self.reason}{seen}"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over some time. `requests` are finished ones, failed ones among them.

    `versions` counts the good answers by (target, version that answered); `failures` are the first few.
    """

    requests: int
    failed: int
    versions: Mapping[tuple[str, str], int]
    failures: tuple[Failure, ...]
    seconds: float

    @property
    def rate(self) -> float:
        """Finished requests per second."""
        return self.requests / self.seconds if self.seconds > 0 else 0.0

    def version(self, name: str) -> int:
        """Good answers of this version over all targets."""
        return sum(count for (_, version), count in self.versions.items() if version == name)


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What one change cost.

    `in_flight_across` requests were under way at the moment the change began; `least_in_flight` is the
    smallest number under way from that moment on, for as long as the held requests were renewed.
    """

    name: str
    tally: Tally
    in_flight_across: int
    least_in_flight: int


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The whole run, and each finished change of it in order."""

    tally: Tally
    changes: tuple[ChangeReport, ...]

    def __str__(self) -> str:
        return f"{self.tally.requests:,} requests, {self.tally.failed:,} failed"

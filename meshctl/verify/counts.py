"""The counters of a load run: fed by its connections, read at any time.

Imports the standard library and its neighbours' values; no I/O.
"""

from collections import Counter
from collections.abc import Callable

from meshctl.verify.connection import Broken, Outcome
from meshctl.verify.report import Failure, Tally

_SAMPLES = 20  # enough to tell one cause from several
_SAMPLE_BYTES = 120  # Envoy's local replies ("no healthy upstream") are shorter


class Counts:
    """Finished requests since now; `clock` answers in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began_at_s = clock()
        self._versions: Counter[tuple[str, str]] = Counter()
        self._failures: list[Failure] = []
        self._requests = 0
        self._failed = 0

    @property
    def requests(self) -> int:
        """Finished requests, good and failed."""
        return self._requests

    @property
    def seconds(self) -> float:
        """Time since the counters began."""
        return self._clock() - self._began_at_s

    def finished(self, target: str, outcome: Outcome, failure: Failure | None) -> None:
        """Count one request that is over; `failure` as `failure_of` has judged it."""
        self._requests += 1
        if failure is None and not isinstance(outcome, Broken):
            version = outcome.headers.get(b"x-version", b"").decode("latin-1")
            self._versions[target, version] += 1
            return
        self._failed += 1
        if failure is not None and len(self._failures) < _SAMPLES:
            self._failures.append(failure)

    def tally(self) -> Tally:
        """The counts so far."""
        return Tally(
            requests=self._requests,
            failed=self._failed,
            versions=dict(self._versions),
            failures=tuple(self._failures),
            seconds=self.seconds,
        )


def failure_of(outcome: Outcome, target: str, at_s: float) -> Failure | None:
    """What is wrong with an outcome; None for a complete 200, the only good one."""
    if isinstance(outcome, Broken):
        reason = f"{outcome.breakage.value} {outcome.detail}".rstrip()
        return Failure(at_s, target, reason, outcome.received[:_SAMPLE_BYTES])
    if outcome.status == 200:
        return None
    return Failure(at_s, target, f"status {outcome.status}", outcome.body[:_SAMPLE_BYTES])

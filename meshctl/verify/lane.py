"""One lane of load: a request, its outcome, the next request, on one connection or on a new one each time.

Imports the standard library and the client connection beside it.
"""

import asyncio
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from meshctl.verify.backend import DELAY_HEADER
from meshctl.verify.connection import Breakage, Broken, Connection, Outcome, connect
from meshctl.verify.http1 import request_bytes

_PAUSE_AFTER_BREAKAGE_S = 0.02  # a refused connection is counted fifty times a second, not as fast as we can


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. `headers` must name `host`; `name` is what reports call it."""

    name: str
    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/"


class Reuse(enum.Enum):
    """What a lane does with its connection after an answer."""

    KEPT = "kept alive"
    NEW = "new for each request"


@dataclass(frozen=True, slots=True)
class Pace:
    """How a lane asks: each `slow_every`-th request, counted from `offset`, takes `slow_ms`."""

    reuse: Reuse
    slow_every: int
    slow_ms: int
    offset: int
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Watcher:
    """Whom a lane tells: of a request written, of its outcome, and that lane and counts agree again."""

    started: Callable[[], None]
    finished: Callable[[Target, Outcome], None]
    settled: Callable[[], None]


class Lane:
    """Asks again as soon as it is answered, until it is stopped.

    A kept connection is used again in the turn of the event loop that brought the answer. So a server that
    closes it without `connection: close` in that answer costs a failure, as it would cost any busy client.
    """

    def __init__(self, target: Target, pace: Pace, watcher: Watcher) -> None:
        self._target = target
        self._pace = pace
        self._watcher = watcher
        self._loop = asyncio.get_running_loop()
        self._fast, self._slow = _requests(target, pace)
        self._sent = pace.offset
        self._connection: Connection | None = None
        self._opening: asyncio.Task[None] | None = None
        self._stopping = False
        self._stopped: asyncio.Future[None] = self._loop.create_future()

    def start(self) -> None:
        """Send the first request as soon as there is a connection."""
        self._opening = self._loop.create_task(self._open())

    def stop(self) -> asyncio.Future[None]:
        """Let the request under way end, then close; done when that has happened. May be called again."""
        self._stopping = True
        return self._stopped

    def _next(self) -> None:
        if self._stopping:
            self._end()
        elif self._connection is not None and self._connection.usable:
            self._send(self._connection)
        else:
            self.start()

    async def _open(self) -> None:
        target = self._target
        try:
            self._connection = await connect(target.host, target.port, self._pace.timeout_s)
        except OSError as error:
            self._watcher.started()
            self._done(Broken(Breakage.REFUSED, str(error) or type(error).__name__))
        except asyncio.CancelledError:
            self._ended()  # the loop is being shut down: who waits for the lane must not do so for ever
            raise
        else:
            self._next()

    def _send(self, connection: Connection) -> None:
        self._sent += 1
        slow = self._sent % self._pace.slow_every == 0
        connection.send(self._slow if slow else self._fast, self._done, self._pace.timeout_s)
        self._watcher.started()

    def _done(self, outcome: Outcome) -> None:
        self._watcher.finished(self._target, outcome)
        if self._connection is not None and self._pace.reuse is Reuse.NEW:
            self._connection.close()
        if isinstance(outcome, Broken):
            self._loop.call_later(_PAUSE_AFTER_BREAKAGE_S, self._next)
        else:
            self._next()
        self._watcher.settled()

    def _end(self) -> None:
        if self._connection is None:
            return self._ended()
        self._connection.close()
        return self._connection.closed.add_done_callback(self._ended)

    def _ended(self, _: object = None) -> None:
        if not self._stopped.done():
            self._stopped.set_result(None)


def _requests(target: Target, pace: Pace) -> tuple[bytes, bytes]:
    # A client that wants one answer says so; Envoy then closes, and the ports in TIME_WAIT are not ours.
    close = {"connection": "close"} if pace.reuse is Reuse.NEW else {}
    fast = {**target.headers, **close}
    return (
        request_bytes(target.path, fast),
        request_bytes(target.path, {**fast, DELAY_HEADER: f"{pace.slow_ms}ms"}),
    )

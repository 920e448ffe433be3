"""One client connection over asyncio: a request, what became of it, perhaps another one.

Imports the standard library and the HTTP/1.1 parser beside it.

There is no retry. A connection that the server closes between two requests is no failure: nothing was asked,
and the caller opens another one. As soon as the bytes of a request are written, whatever is not a complete
response counts against the server, although RFC 9112 (section 9.3.1) lets a client repeat an idempotent
request on a connection found closed, and browsers do: a repeat would hide just the lost requests that the
load generator is there to find.
"""

import asyncio
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from meshctl.verify.http1 import Malformed, Response, ResponseParser, request_bytes


class Breakage(enum.Enum):
    """Why a request got no complete response."""

    REFUSED = "no connection"
    RESET = "connection reset"
    CLOSED = "closed before the response"
    TRUNCATED = "response cut short"
    MALFORMED = "not an HTTP response"
    TIMEOUT = "no response in time"


@dataclass(frozen=True, slots=True)
class Broken:
    """A request without a complete response; `received` is what had arrived of its body or head."""

    breakage: Breakage
    detail: str
    received: bytes = b""


Outcome: TypeAlias = Response | Broken
Done: TypeAlias = Callable[[Outcome], None]


class RequestFailed(ConnectionError):
    """`get` got no complete response."""


class Connection(asyncio.Protocol):
    """One connection, one request at a time; `connect` makes connected ones. `closed` is done at its end.

    Callbacks, not futures: an answer can be followed by the next request in the same turn of the event loop,
    which keeps the number in flight steady under load.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = ResponseParser()
        self._done: Done | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.closed: asyncio.Future[None] = self._loop.create_future()

    @property
    def usable(self) -> bool:
        """Whether another request may be written."""
        return self._done is None and self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes, done: Done, timeout_s: float) -> None:
        """Write `request`; `done` is called once, with the response or with what went wrong instead."""
        if self._transport is None or not self.usable:
            raise RuntimeError("the connection is closed or waits for a response")
        self._parser = ResponseParser()
        self._done = done
        self._timer = self._loop.call_later(timeout_s, self._time_out)
        self._transport.write(request)

    def close(self) -> None:
        """Close it; a request without an answer is reported as broken."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Protocol method: keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Protocol method: feed the parser."""
        if self._done is None:  # bytes that answer nothing: the connection is of no more use
            return self._abort()
        try:
            response = self._parser.feed(data)
        except Malformed as error:
            self._abort()
            return self._finish(Broken(Breakage.MALFORMED, str(error), self._parser.received))
        if response is not None:
            if not response.reusable:
                self.close()
            self._finish(response)
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """Protocol method: the peer closed, or the connection was reset."""
        self._transport = None
        if not self.closed.done():
            self.closed.set_result(None)
        if self._done is not None:
            self._finish(self._parser.end() or self._broken(exc))

    def _broken(self, exc: Exception | None) -> Broken:
        received = self._parser.received
        if exc is not None:
            return Broken(Breakage.RESET, str(exc), received)
        if self._parser.started:
            return Broken(Breakage.TRUNCATED, "the peer closed within the response", received)
        return Broken(Breakage.CLOSED, "the peer closed after the request was written")

    def _time_out(self) -> None:
        self._abort()
        self._finish(Broken(Breakage.TIMEOUT, "", self._parser.received))

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _finish(self, outcome: Outcome) -> None:
        done, self._done = self._done, None
        if self._timer is not None:
            self._timer.cancel()
        if done is not None:
            done(outcome)


async def connect(host: str, port: int, timeout_s: float) -> Connection:
    """Open a connection. Raises OSError (TimeoutError, too, is one) when there is none in `timeout_s`."""
    async with asyncio.timeout(timeout_s):
        _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return connection


async def get(
    port: int, path: str, headers: Mapping[str, str] | None = None, timeout_s: float = 20.0
) -> Response:
    """One GET to 127.0.0.1 on a connection of its own. Raises OSError (RequestFailed is one)."""
    loop = asyncio.get_running_loop()
    connection = await connect("127.0.0.1", port, timeout_s)
    try:
        answered: asyncio.Future[Outcome] = loop.create_future()
        fields = {"host": f"127.0.0.1:{port}", **(headers or {}), "connection": "close"}
        connection.send(request_bytes(path, fields), answered.set_result, timeout_s)
        outcome = await answered
    finally:
        connection.close()
        await connection.closed
    if isinstance(outcome, Broken):
        raise RequestFailed(f"GET {path}: {outcome.breakage.value} {outcome.detail}".rstrip())
    return outcome

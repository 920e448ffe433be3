"""An HTTP/1.1 backend: answers one body and names its version, as late as the request asks for.

Run as `python -m meshctl.verify.backend --port N --body v1`; imports the standard library only, and little
of it, because the demo and many tests start several. It does no more of HTTP than clients behind Envoy need:
a request body needs a content-length.
"""

import argparse
import asyncio
import os
import signal
import sys
from typing import cast

KEEP_ALIVE_S = 5.0  # Node's default, which Envoy's idle timeout has to undercut
IN_FLIGHT_PATH = "/__inflight"  # answers how many requests are being served, itself not counted
DELAY_HEADER = "x-delay"  # "300ms": the answer comes that much later, others are not held up

_BACKLOG = 1024  # a burst of new connections must not meet a full accept queue
_STATUS = {200: b"OK", 400: b"Bad Request", 411: b"Length Required"}


class Backend:
    """What the connections share: the answer, the number in flight, and whether the backend is closing."""

    def __init__(self, body: str) -> None:
        self.body = body.encode() + b"\n"
        self.version = body.encode()
        self.in_flight = 0
        self.closing = False
        self.connections: set[Served] = set()

    async def serve(self, address: str, port: int) -> None:
        """Serve until SIGTERM or SIGINT; then answer what is under way, close and return."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Served(self), address, port, backlog=_BACKLOG)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        print(f"serving {self.version.decode()} on {address}:{port}", flush=True)
        await stop.wait()
        server.close()
        self.closing = True
        closed = [connection.finish() for connection in tuple(self.connections)]
        await asyncio.gather(*closed)

    def answer(self, status: int, body: bytes, *, last: bool) -> bytes:
        """A response; `last` announces that the connection closes."""
        close = b"connection: close\r\n" if last else b""
        head = b"HTTP/1.1 %d %s\r\ncontent-type: text/plain\r\nx-version: %s\r\ncontent-length: %d\r\n%s\r\n"
        return head % (status, _STATUS[status], self.version, len(body), close) + body


class Served(asyncio.Protocol):
    """One accepted connection: one request at a time, closed after `KEEP_ALIVE_S` without any."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._loop = asyncio.get_running_loop()
        self._closed = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._pending: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._idle_since = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Protocol method: begin to wait for a request."""
        self._transport = cast(asyncio.Transport, transport)
        self._backend.connections.add(self)
        self._idle = self._loop.call_later(KEEP_ALIVE_S, self._check_idle)

    def data_received(self, data: bytes) -> None:
        """Protocol method: answer each whole request."""
        self._buffer += data
        self._serve_buffered()

    def connection_lost(self, exc: Exception | None) -> None:
        """Protocol method: forget the connection and a request under way."""
        self._transport = None
        self._backend.connections.discard(self)
        if self._idle is not None:
            self._idle.cancel()
        if self._pending is not None:
            self._pending.cancel()
            self._over()
        if not self._closed.done():
            self._closed.set_result(None)

    async def finish(self) -> None:
        """Close after the request under way, at once if there is none."""
        if self._pending is None and self._transport is not None:
            self._transport.close()
        await self._closed

    def _serve_buffered(self) -> None:
        while self._pending is None and (head_end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:head_end]).lower()
            length = _header(head, b"content-length") or b"0"
            if _header(head, b"transfer-encoding") or not length.isdigit():
                return self._write(411, b"a body needs a content-length\n", last=True)
            end = head_end + 4 + int(length)
            if len(self._buffer) < end:
                return None
            del self._buffer[:end]
            self._serve(head)
        return None

    def _serve(self, head: bytes) -> None:
        if head.split(b" ", 2)[1:2] == [IN_FLIGHT_PATH.encode()]:
            return self._write(200, b"%d\n" % self._backend.in_flight)
        delay = _header(head, DELAY_HEADER.encode())
        if not delay:
            return self._write(200, self._backend.body)
        milliseconds = delay.removesuffix(b"ms")
        if milliseconds == delay or not milliseconds.isdigit():
            return self._write(400, b"x-delay is written 300ms\n")
        self._backend.in_flight += 1
        self._pending = self._loop.call_later(int(milliseconds) / 1000, self._answer_late)
        return None

    def _answer_late(self) -> None:
        self._over()
        self._write(200, self._backend.body)
        self._serve_buffered()

    def _over(self) -> None:
        self._pending = None
        self._backend.in_flight -= 1

    def _write(self, status: int, body: bytes, *, last: bool = False) -> None:
        if self._transport is None:
            return
        last = last or self._backend.closing
        self._transport.write(self._backend.answer(status, body, last=last))
        self._idle_since = self._loop.time()
        if last:
            self._transport.close()

    def _check_idle(self) -> None:
        # One timer a connection, not one a request: it looks when the last request was, and waits the rest.
        rest = KEEP_ALIVE_S - (self._loop.time() - self._idle_since)
        if rest <= 0 and self._pending is None and self._transport is not None:
            self._transport.close()
            return
        self._idle = self._loop.call_later(rest if rest > 0 else KEEP_ALIVE_S, self._check_idle)


def _header(head: bytes, name: bytes) -> bytes:
    """A header's value in a lower-case head, empty if it is not there."""
    _, found, rest = head.partition(b"\r\n" + name + b":")
    return rest.partition(b"\r\n")[0].strip() if found else b""


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="meshctl.verify.backend", description="Answers one body.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--body", required=True, help="the answer, and the x-version header")
    arguments = parser.parse_args()
    try:
        asyncio.run(Backend(arguments.body).serve(arguments.address, arguments.port))
    except OSError as error:  # the address is taken, or is none of this machine
        why = os.strerror(error.errno) if error.errno else str(error)
        sys.exit(f"cannot listen on {arguments.address}:{arguments.port}: {why}")


if __name__ == "__main__":
    main()

"""HTTP/1.1 responses from bytes, without I/O; and requests as bytes.

Imports the standard library only. Written for the load generator, which must see a truncated body, a reset
and a closed connection for what they are, and parse thousands of small responses a second on half a core.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_END_OF_HEAD = b"\r\n\r\n"
_HEAD_LIMIT = 64 * 1024  # Envoy's default limit of a response head


class Malformed(ValueError):
    """The bytes are not an HTTP/1.1 response, or more than one for a single request."""


@dataclass(frozen=True, slots=True)
class Response:
    """One complete final response; header names are lower-case, `reusable` is what its headers allow."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes
    reusable: bool


@dataclass(frozen=True, slots=True)
class _Head:
    status: int
    headers: Mapping[bytes, bytes]
    length: int | None
    chunked: bool
    reusable: bool


def request_bytes(path: str, headers: Mapping[str, str]) -> bytes:
    """A GET request. `headers` must name `host` (RFC 9112, section 3.2)."""
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


class ResponseParser:
    """Collects the bytes that follow one request until they make a response."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None

    @property
    def started(self) -> bool:
        """Whether any byte of the final response has arrived."""
        return self._head is not None or bool(self._buffer)

    @property
    def received(self) -> bytes:
        """What has arrived so far of a response that is not complete."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> Response | None:
        """Take bytes; returns the response when it is complete. Raises Malformed."""
        self._buffer += data
        while self._head is None:
            if not self._take_head():
                return None
        return self._complete(self._head)

    def end(self) -> Response | None:
        """The peer closed: the response if no length was declared, None if it is cut short or missing."""
        head = self._head
        if head is None or head.chunked or head.length is not None:
            return None
        return Response(head.status, head.headers, bytes(self._buffer), reusable=False)

    def _take_head(self) -> bool:
        end = self._buffer.find(_END_OF_HEAD)
        if end < 0:
            if len(self._buffer) > _HEAD_LIMIT:
                raise Malformed("the head of the response does not end")
            return False
        head = _parse_head(bytes(self._buffer[:end]))
        del self._buffer[: end + len(_END_OF_HEAD)]
        if head.status >= 200:  # a 1xx response comes before the final one (RFC 9110, section 15.2)
            self._head = head
        return True

    def _complete(self, head: _Head) -> Response | None:
        if head.chunked:
            found = _chunks(self._buffer)
            if found is None:
                return None
            body, used = found
        elif head.length is None or len(self._buffer) < head.length:
            return None
        else:
            used = head.length
            body = bytes(self._buffer[:used])
        if used != len(self._buffer):
            raise Malformed(f"{len(self._buffer) - used} bytes follow the response")
        return Response(head.status, head.headers, body, head.reusable)


def _parse_head(head: bytes) -> _Head:
    start, *lines = head.split(b"\r\n")
    version, _, rest = start.partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/1.") or not code.isdigit():
        raise Malformed(f"not a status line: {start[:80]!r}")
    headers = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    status = int(code)
    connection = headers.get(b"connection", b"").lower()
    return _Head(
        status=status,
        headers=headers,
        length=_length(status, headers),
        chunked=headers.get(b"transfer-encoding", b"").lower() == b"chunked",
        reusable=version == b"HTTP/1.1" and connection != b"close",
    )


def _length(status: int, headers: Mapping[bytes, bytes]) -> int | None:
    if status in (204, 304):  # never have a body (RFC 9112, section 6.3)
        return 0
    text = headers.get(b"content-length")
    if text is None:
        return None
    if not text.isdigit():
        raise Malformed(f"not a content-length: {text[:80]!r}")
    return int(text)


def _chunks(buffer: bytearray) -> tuple[bytes, int] | None:
    """Body and bytes used, or None before the last chunk. Starts over at each call: bodies here are small."""
    body, position = bytearray(), 0
    while (line_end := buffer.find(b"\r\n", position)) >= 0:
        size = _chunk_size(bytes(buffer[position:line_end]))
        data = line_end + 2
        if size == 0:
            return _after_trailers(buffer, body, data)
        if len(buffer) < data + size + 2:
            return None
        body += buffer[data : data + size]
        position = data + size + 2
    return None


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise Malformed(f"not a chunk size: {line[:80]!r}") from None


def _after_trailers(buffer: bytearray, body: bytearray, position: int) -> tuple[bytes, int] | None:
    if buffer.startswith(b"\r\n", position):
        return bytes(body), position + 2
    end = buffer.find(_END_OF_HEAD, position)
    return None if end < 0 else (bytes(body), end + len(_END_OF_HEAD))

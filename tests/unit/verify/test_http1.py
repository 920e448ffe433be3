"""The response parser: framings, splits, and what is not a response."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshctl.verify.http1 import Malformed, Response, ResponseParser, request_bytes

_HEAD = b"HTTP/1.1 200 OK\r\nX-Version: v1\r\n"
_LENGTH = _HEAD + b"content-length: 5\r\n\r\nhello"
_CHUNKED = _HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;note=x\r\nllo\r\n0\r\n\r\n"
_TRAILERS = _HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nsum: 1\r\nmore: 2\r\n\r\n"
_EARLY = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + _LENGTH


@given(raw=st.sampled_from([_LENGTH, _CHUNKED, _TRAILERS, _EARLY]), data=st.data())
def test_a_response_is_the_same_however_its_bytes_are_cut(raw: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=6)))
    parser = ResponseParser()
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]

    *before, response = [parser.feed(piece) for piece in pieces]

    assert before == [None] * len(cuts)
    assert isinstance(response, Response)
    assert (response.status, response.body, response.reusable) == (200, b"hello", True)
    assert response.headers[b"x-version"] == b"v1"


def test_a_response_without_a_length_ends_with_the_connection() -> None:
    parser = ResponseParser()
    assert parser.feed(_HEAD + b"\r\nhel") is None
    assert parser.feed(b"lo") is None

    response = parser.end()

    assert response is not None
    assert (response.body, response.reusable) == (b"hello", False)


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 O", _LENGTH[:-1], _CHUNKED[:-2], _TRAILERS[:-2]])
def test_a_response_cut_short_is_none(raw: bytes) -> None:
    parser = ResponseParser()
    assert parser.feed(raw) is None
    assert parser.end() is None
    assert parser.started == bool(raw)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_a_status_that_has_no_body_ends_with_its_head(status: bytes) -> None:
    response = ResponseParser().feed(b"HTTP/1.1 " + status + b"\r\n\r\n")
    assert response is not None
    assert response.body == b""


@pytest.mark.parametrize(
    "raw",
    [
        _LENGTH + b"!",
        _CHUNKED + b"HTTP/1.1 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        _HEAD + b"content-length: many\r\n\r\n",
        _HEAD + b"transfer-encoding: chunked\r\n\r\nxyz\r\n",
        b"H" * 70_000,
    ],
)
def test_what_is_not_one_response_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        ResponseParser().feed(raw)


@pytest.mark.parametrize(
    ("head", "reusable"),
    [(b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", False), (b"HTTP/1.0 200 OK\r\n", False), (_HEAD, True)],
)
def test_a_connection_is_reusable_when_version_and_headers_allow_it(head: bytes, reusable: bool) -> None:  # noqa: FBT001
    response = ResponseParser().feed(head + b"content-length: 0\r\n\r\n")
    assert response is not None
    assert response.reusable is reusable


def test_a_request_is_written_with_its_headers() -> None:
    assert request_bytes("/a", {"host": "users"}) == b"GET /a HTTP/1.1\r\nhost: users\r\n\r\n"

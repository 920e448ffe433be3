"""The client connection: what becomes of a request, whatever the server does."""

import asyncio

import pytest

from meshctl.verify.connection import Breakage, Broken, Outcome, RequestFailed, connect, get
from meshctl.verify.http1 import request_bytes
from meshctl.verify.ports import free_ports
from tests.support.scripted_server import Once, Then, scripted_server
from tests.support.waiting import LIMIT_S

_REQUEST = request_bytes("/", {"host": "users"})
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nv1"


async def _ask(port: int, timeout_s: float = LIMIT_S) -> Outcome:
    connection = await connect("127.0.0.1", port, LIMIT_S)
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    connection.send(_REQUEST, outcome.set_result, timeout_s)
    try:
        return await outcome
    finally:
        connection.close()
        await connection.closed


@pytest.mark.parametrize(
    ("play", "breakage"),
    [
        (Once(), Breakage.CLOSED),
        (Once(_OK[:-1]), Breakage.TRUNCATED),
        (Once(_OK[:10]), Breakage.TRUNCATED),
        (Once(then=Then.RESET), Breakage.RESET),
        (Once(b"HTTP/1.1 maybe\r\n\r\n", Then.WAIT), Breakage.MALFORMED),
        (Once(_OK + b"!", Then.WAIT), Breakage.MALFORMED),
    ],
)
async def test_a_request_without_a_whole_answer_is_broken(play: Once, breakage: Breakage) -> None:
    async with scripted_server(play) as port:
        outcome = await _ask(port)
    assert isinstance(outcome, Broken)
    assert outcome.breakage is breakage


async def test_a_server_that_says_no_more_is_given_up_in_time() -> None:
    async with scripted_server(Once(_OK[:-1], Then.WAIT)) as port:
        outcome = await _ask(port, timeout_s=1.0)  # in which the answer's beginning comes
    assert isinstance(outcome, Broken)
    assert (outcome.breakage, outcome.received) == (Breakage.TIMEOUT, b"v")


async def test_a_connection_closed_between_requests_is_only_unusable() -> None:
    closing = asyncio.Event()

    async def answer_then_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_OK)
        await closing.wait()

    async with scripted_server(answer_then_close) as port:
        connection = await connect("127.0.0.1", port, LIMIT_S)
        outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        connection.send(_REQUEST, outcomes.put_nowait, LIMIT_S)
        first = await outcomes.get()
        assert not isinstance(first, Broken)
        states = [connection.usable]
        closing.set()
        await connection.closed
        states.append(connection.usable)
        assert states == [True, False]
        assert outcomes.empty()


async def test_get_names_what_went_wrong() -> None:
    async with scripted_server(Once(_OK)) as port:
        assert (await get(port, "/")).body == b"v1"
    async with scripted_server(Once()) as port:
        with pytest.raises(RequestFailed, match="GET /x: closed before the response"):
            await get(port, "/x")
    [nobodys] = free_ports(1)
    with pytest.raises(OSError, match="Connect call failed"):
        await get(nobodys, "/")

"""The load generator: what it counts, through a real Envoy and against servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import pytest

from meshctl.verify.lane import Target
from meshctl.verify.load import Load, LoadStuck, Shape
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import BackendProcess, Envoy
from tests.support.scripted_server import Once, Play, Then, scripted_server
from tests.support.static_envoy import static_bootstrap
from tests.support.waiting import LIMIT_S, eventually

_SMALL = Shape(
    connections=4, slow_ms=20, held=10, requests_per_change=100, timeout_s=LIMIT_S, change_limit_s=2 * LIMIT_S
)
_OK = b"HTTP/1.1 200 OK\r\nx-version: v1\r\nconnection: close\r\ncontent-length: 2\r\n\r\nv1"


@dataclass(frozen=True, slots=True)
class Setup:
    envoy: Envoy
    backends: tuple[BackendProcess, ...]
    target: Target

    async def in_flight(self) -> int:
        return sum([await backend.in_flight() for backend in self.backends])


@pytest.fixture
async def setup(tmp_path: Path) -> AsyncIterator[Setup]:
    admin, port, *backend_ports = free_ports(4)
    async with AsyncExitStack() as running:
        starting = [
            BackendProcess.run(name, name, backend_port, tmp_path)
            for name, backend_port in zip(("v1", "v2"), backend_ports, strict=True)
        ]
        backends = [await running.enter_async_context(await start) for start in starting]
        bootstrap = static_bootstrap(admin, port, backend_ports)
        envoy = await running.enter_async_context(await Envoy.run("envoy", bootstrap, admin, tmp_path))
        await asyncio.gather(envoy.wait_ready(), *(backend.wait_ready() for backend in backends))
        yield Setup(envoy, tuple(backends), _target(port))


def _target(port: int) -> Target:
    return Target("sidecar", "127.0.0.1", port, {"host": "users"})


async def test_the_full_load_loses_nothing_while_nothing_changes(setup: Setup) -> None:
    async with Load([setup.target], in_flight=setup.in_flight) as load, load.change("none") as window:
        began_with = window.in_flight_across
    change = window.report
    assert change.tally.failed == 0, change.tally.failures
    assert change.tally.requests >= 2_000
    assert change.in_flight_across == began_with >= 200
    assert 0 < change.least_in_flight <= began_with
    assert change.tally.version("v1") + change.tally.version("v2") == change.tally.requests
    assert load.report.changes == (change,)
    assert load.in_flight == 0
    assert str(load.report) == f"{load.tally.requests:,} requests, 0 failed"


async def test_what_the_load_counts_is_what_envoy_counted(setup: Setup) -> None:
    shape = replace(_SMALL, requests_per_change=500)
    async with Load([setup.target], shape) as load, load.change("none"):
        pass
    stats = await setup.envoy.stats(r"^http\.http\.downstream_(rq_completed|rq_2xx|cx_total)$")
    assert stats["http.http.downstream_rq_2xx"] == load.tally.requests
    # Two of four lanes keep their connection, as the ten held ones do; the others open one for each request.
    assert 2 + 10 + 2 < stats["http.http.downstream_cx_total"] < load.tally.requests - 50


async def test_a_backend_killed_under_load_shows_as_failures(setup: Setup) -> None:
    async with Load([setup.target], _SMALL, setup.in_flight) as load, load.change("kill") as window:
        await setup.backends[0].kill()
    change = window.report
    assert change.tally.failed > 0
    assert change.tally.failures[0].reason == "status 503"
    assert change.tally.failures[0].received.startswith(b"upstream connect error")
    assert change.tally.requests == change.tally.failed + change.tally.version("v1") + change.tally.version(
        "v2"
    )


@pytest.mark.parametrize(
    ("play", "reason"),
    [
        (Once(b"HTTP/1.1 503 No\r\nconnection: close\r\n\r\nbusy"), "status 503"),
        (Once(_OK[:-1]), "response cut short"),
        (Once(then=Then.RESET), "connection reset"),
        (Once(), "closed before the response"),
    ],
)
async def test_every_answer_but_a_whole_200_is_a_failure(play: Play, reason: str) -> None:
    await _fails(play, reason, replace(_SMALL, held=2, requests_per_change=10))


async def test_no_answer_in_time_is_a_failure() -> None:
    shape = replace(_SMALL, held=6, requests_per_change=10, timeout_s=2.0)  # in which there is a connection
    await _fails(Once(then=Then.WAIT), "no response in time", shape)


async def _fails(play: Play, reason: str, shape: Shape) -> None:
    async with scripted_server(play) as port, Load([_target(port)], shape) as load, load.change("none"):
        pass
    assert load.tally.failed == load.tally.requests >= 10
    assert all(failure.reason.startswith(reason) for failure in load.tally.failures)


async def test_no_connection_is_a_failure() -> None:
    [port] = free_ports(1)
    shape = replace(_SMALL, held=2, requests_per_change=10)
    async with Load([_target(port)], shape) as load, load.change("none"):
        pass
    assert load.tally.failed == load.tally.requests >= 10
    assert load.tally.failures[0].reason.startswith("no connection")


async def test_a_kept_connection_that_the_server_closes_after_an_answer_is_opened_again() -> None:
    async with scripted_server(Once(_OK)) as port, Load([_target(port)], _SMALL) as load, load.change("none"):
        pass
    assert load.tally.failed == 0, load.tally.failures


async def test_overlapping_changes_each_count_what_ends_in_their_time(setup: Setup) -> None:
    async with (
        Load([setup.target], _SMALL, setup.in_flight) as load,
        load.change("first") as first,
        load.change("second") as second,
    ):
        assert second.in_flight_across >= 20
    assert [change.name for change in load.report.changes] == ["second", "first"]
    assert first.report.tally.requests > second.report.tally.requests >= 100


async def test_counters_can_be_read_while_the_load_goes_on(setup: Setup) -> None:
    async with Load([setup.target], _SMALL) as load:

        async def fifty() -> bool:
            return load.tally.requests >= 50

        await eventually(fifty, "fifty requests have ended")
        assert load.tally.rate > 0
        assert load.report.changes == ()


async def test_a_sample_has_the_requests_that_begin_after_it_and_no_other_each_to_its_end() -> None:
    waiting, go_on = 0, asyncio.Event()

    async def old_then_new(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        await reader.readuntil(b"\r\n\r\n")
        answer = _OK.replace(b"v1", b"v2") if go_on.is_set() else _OK
        waiting += 1
        await go_on.wait()
        writer.write(answer)

    async def all_wait() -> bool:
        return waiting == _SMALL.connections

    async with scripted_server(old_then_new) as port, Load([_target(port)], _SMALL) as load:
        await eventually(all_wait, "every lane waits for an answer")
        sample = load.sample(20)
        go_on.set()
        await sample.complete.wait()
        assert load.tally.version("v1") == _SMALL.connections
        assert sample.tally.versions == {("sidecar", "v2"): 20}


async def test_a_change_whose_requests_do_not_get_under_way_is_stuck() -> None:
    async def none() -> int:
        return 0

    shape = replace(_SMALL, change_limit_s=0.05)
    async with scripted_server(Once(_OK)) as port, Load([_target(port)], shape, none) as load:
        with pytest.raises(LoadStuck, match="weights: the held requests did not get under way"):
            async with load.change("weights"):
                pytest.fail("the change began")
    assert load.in_flight == 0


async def test_a_load_ends_when_every_task_of_its_loop_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    opening = 0

    async def never(_host: str, _port: int, _timeout_s: float) -> NoReturn:
        nonlocal opening
        opening += 1
        await asyncio.Future()
        raise AssertionError("nothing sets the future")

    async def all_open() -> bool:
        return opening == _SMALL.connections

    monkeypatch.setattr("meshctl.verify.lane.connect", never)
    async with asyncio.timeout(LIMIT_S), Load([_target(1)], _SMALL):
        await eventually(all_open, "every lane opens its connection")
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


async def test_a_change_that_is_cancelled_leaves_no_request_behind(setup: Setup) -> None:
    begun = asyncio.Event()

    async def change() -> None:
        async with load.change("endless"):
            begun.set()
            await asyncio.Future()

    async with Load([setup.target], _SMALL) as load:
        changing = asyncio.create_task(change())
        await begun.wait()
        changing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await changing
        assert load.report.changes == ()
    assert load.in_flight == 0

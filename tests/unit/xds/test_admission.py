from dataclasses import replace

from meshctl.fleet.node import GRPC, Node
from meshctl.names import Role
from meshctl.xds.admission import Bucket, Line, Quiet, most_streams
from meshctl.xds.limits import LIMITS, StreamEnd

SLOW = replace(LIMITS, new_streams=1.0, burst=1)


def served(line: Line[str], now: float) -> list[str]:
    found = []
    while (waiter := line.next(now)) is not None:
        found.append(waiter)
    return found


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    bucket = Bucket(rate=8.0, burst=5.0)
    assert [bucket.take(1.0, 100.0) for _ in range(7)] == [0.0] * 5 + [0.125, 0.25]
    assert bucket.wait_for(1.0, 100.25) == 0.125
    assert bucket.wait_for(5.0, 200.0) == 0.0


def test_those_who_wait_are_served_in_order_at_the_rate() -> None:
    line: Line[str] = Line(SLOW)
    for name in ("first", "second", "third"):
        line.join("host", name)
    assert served(line, 100.0) == ["first"]
    assert line.due(100.0) == 101.0
    assert served(line, 100.9) == []
    assert served(line, 101.0) == ["second"]
    assert served(line, 102.0) == ["third"]
    assert not line


def test_a_host_with_a_thousand_streams_delays_another_by_one_turn() -> None:
    line: Line[str] = Line(SLOW)
    for number in range(1_000):
        line.join("greedy", f"greedy {number}")
    assert served(line, 100.0) == ["greedy 0"]
    line.join("good", "good")
    assert [served(line, 100.0 + turn) for turn in (1, 2, 3)] == [["greedy 1"], ["good"], ["greedy 2"]]


def test_who_went_away_takes_nobodys_turn() -> None:
    line: Line[str] = Line(SLOW)
    for host, name in (("a", "a1"), ("b", "b1"), ("a", "a2")):
        line.join(host, name)
    line.leave("a", "a1")
    line.leave("b", "b1")
    line.leave("c", "never there")
    assert served(line, 100.0) == ["a2"]
    assert not line


def test_an_envoy_may_have_two_streams_and_a_grpc_client_one_for_each_target() -> None:
    envoy = Node("web@1", Role.SIDECAR, ("web",), client="1.40")
    client = Node("web@1", Role.SIDECAR, ("web",), client=GRPC)
    assert (most_streams(envoy, LIMITS), most_streams(client, LIMITS)) == (2, 64)


def test_who_repeats_himself_is_written_down_once_in_a_while_and_counted() -> None:
    quiet = Quiet(every=10.0)
    assert [quiet.unsaid(StreamEnd.RATE, now) for now in (100.0, 101.0, 109.9)] == [0, None, None]
    assert quiet.unsaid(StreamEnd.NAMES, 102.0) == 0
    assert quiet.unsaid(StreamEnd.RATE, 110.0) == 2
    assert quiet.unsaid(StreamEnd.RATE, 120.0) == 0
    assert (quiet.unsaid(StreamEnd.RATE, 121.0), quiet.rest(), quiet.rest()) == (
        None,
        {StreamEnd.RATE: 1},
        {},
    )

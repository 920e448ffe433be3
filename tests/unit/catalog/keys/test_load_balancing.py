from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("balancing", "line"),
    [
        ("{policy: leastconn}", "26: MSH0211 'leastconn' is not known here;"
                                " write one of round_robin, least_request, random"),
        ("{policy: least-request}", "26: MSH0211 'least-request' is not known here; write least_request"),
        ("{slow_start: 0s}", "30: MSH0206 '0s' is not a time; write off for no limit"),
        ("{policy: random, slow_start: 10s}", "34: MSH0221 random gives a new endpoint as much as the others;"
                                              " remove slow_start, or write policy: least_request"),
    ],
)  # fmt: skip
def test_wrong_load_balancing_is_told(voice: Callable[[str], list[str]], balancing: str, line: str) -> None:
    assert voice(f"load_balancing: {balancing}") == [f"4:{line}"]

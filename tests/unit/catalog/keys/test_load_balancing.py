from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("balancing", "line"),
    [
        ("{policy: leastconn}", "26: MSH0211 'leastconn' is not known here;"
                                " write one of round_robin, least_request, random, ring_hash, maglev"),
        ("{policy: least-request}", "26: MSH0211 'least-request' is not known here; write least_request"),
        ("{slow_start: 0s}", "30: MSH0206 '0s' is not a time; write off for no limit"),
        ("{policy: random, slow_start: 10s}", "34: MSH0221 random gives a new endpoint as much as the others;"
                                              " remove slow_start, or write policy: least_request"),
        ("{policy: ring_hash}", "26: MSH0202 ring_hash does not say which requests go to the same endpoint;"
                                " add by: {header: x-account}, for example"),
        ("{by: source}", "18: MSH0221 by is for a policy that sends some requests always to the same"
                         " endpoint; write policy: maglev beside it, or remove by"),
        ("{policy: maglev, by: path}", "38: MSH0211 'path' is not known here;"
                                       " write source, {header: x-account}, {cookie: account}"
                                       " or {query: account}"),
        ("{policy: maglev, by: {path: a}}", "39: MSH0201 by has no key 'path';"
                                            " its keys are header, cookie, query"),
        ("{policy: maglev, by: {header: ':authority'}}",
         "47: MSH0210 ':authority' is not the name of a header that tells callers apart;"
         " write one such as x-account"),
        ("{policy: maglev, by: {header: x, query: y}}",
         "50: MSH0212 header and query cannot both decide (see platform/voice.yaml:4:47);"
         " keep one of the two"),
    ],
)  # fmt: skip
def test_wrong_load_balancing_is_told(voice: Callable[[str], list[str]], balancing: str, line: str) -> None:
    assert voice(f"load_balancing: {balancing}") == [f"4:{line}"]

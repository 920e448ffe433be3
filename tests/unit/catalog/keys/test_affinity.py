from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("affinity", "line"),
    [
        ("{cookie: SRV}", "12: MSH0201 affinity has no key 'cookie'; its keys are by"),
        ("{by: {}}", "16: MSH0212 nothing here tells callers apart; write {cookie: SRV}, for example"),
        ("{by: source}", "16: MSH0203 by is the text 'source', not a mapping of keys;"
                         " write by: {cookie: SRV}, for example"),
        ("{by: {query: session}}", "17: MSH0201 by has no key 'query'; its keys are cookie, header"),
        ("{by: {cookie: 'a b'}}", "25: MSH0210 'a b' is not the name of a cookie that tells callers apart;"
                                  " write one such as SRV"),
        ("{by: {cookie: a, header: b}}", "28: MSH0212 cookie and header cannot both decide"
                                         " (see platform/voice.yaml:4:25); keep one of the two"),
    ],
)  # fmt: skip
def test_wrong_affinity_is_told(voice: Callable[[str], list[str]], affinity: str, line: str) -> None:
    found = voice(f"affinity: {affinity}")
    assert f"4:{line}" in found

from collections.abc import Callable

import pytest

from meshctl.catalog.keys.match import Match
from meshctl.catalog.keys.path import PathPattern


def test_header_names_are_lower_case_and_values_stay() -> None:
    match = Match(headers={"X-Beta": "Yes"})
    assert match.headers == {"x-beta": "Yes"}
    assert hash(match) == hash(Match(headers={"x-beta": "Yes"}))


def test_only_a_match_of_every_path_is_everything() -> None:
    assert Match(path=PathPattern.read("/**")).everything
    assert not Match(path=PathPattern.read("/a/**")).everything
    assert not Match(path=PathPattern.read("/**"), methods=("GET",)).everything


@pytest.mark.parametrize(
    ("match", "line"),
    [
        ("{}", "5:12: MSH0221 the match has no condition, so it would match every request;"
               " leave match out, or write a path, methods or headers"),
        ("{methods: [get]}", "5:23: MSH0210 'get' is not a method; write GET"),
        ("{methods: [GE T]}", "5:23: MSH0210 'GE T' is not a method; write one such as GET or POST"),
        ("{methods: [GET, GET]}", "5:28: MSH0215 'GET' is listed twice (see platform/voice.yaml:5:23);"
                                  " remove one of the two"),
        ("{headers: {Host: a}}", "5:23: MSH0210 the header 'Host' is the host;"
                                 " write it as the host of the site or expose"),
        ("{headers: {':path': a}}", "5:23: MSH0210 ':path' is not a header of its own;"
                                    " write path in the match"),
        ("{headers: {a b: c}}", "5:23: MSH0210 'a b' is not the name of a header; write one such as x-beta"),
        ("{headers: {X-A: '1', x-a: '2'}}", "5:33: MSH0215 the header 'x-a' is listed twice;"
                                            " keep one of the two"),
        ('{headers: {x-a: "a\\r\\nb"}}', "5:28: MSH0210 no header has the value 'a\\r\\nb';"
                                       " write at most 4,096 printable characters"),
        ("{headers: {x-a: [b]}}", "5:28: MSH0210 the header 'x-a' has no text to compare with;"
                                  ' write the exact value, such as "1"'),
        ("{headers: a}", "5:22: MSH0203 headers is the text 'a', not a mapping of headers to their values;"
                         ' write headers: {x-beta: "1"}, for example'),
    ],
)  # fmt: skip
def test_what_no_request_can_have_is_told(voice: Callable[[str], list[str]], match: str, line: str) -> None:
    assert voice(f"routes:\n  - match: {match}\n    to: voice/v1") == [line]

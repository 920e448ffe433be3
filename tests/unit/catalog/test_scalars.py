from collections.abc import Callable

import pytest

from meshctl.catalog.scalars import (
    LONGEST,
    read_duration,
    read_integer,
    read_limit,
    read_percent,
    read_text,
    twice,
)
from meshctl.catalog.yaml import ScalarNode
from meshctl.units import Duration, Off, Percent


def plain(text: str) -> ScalarNode:
    return ScalarNode(text, plain=True, line=1, column=1)


def test_a_text_stays_what_was_written() -> None:
    assert [read_text(plain(text)) for text in ("on", "no", "1.10", "0x1F")] == ["on", "no", "1.10", "0x1F"]
    assert read_text(ScalarNode("null", plain=False, line=1, column=1)) == "null"


def test_numbers_are_decimal_integers_within_their_range() -> None:
    assert [read_integer(plain(text), 1, 10, "a number") for text in ("1", "+5", "010")] == [1, 5, 10]
    assert read_integer(7, 1, 10, "a number") == 7


def test_times_and_shares_may_be_given_as_values() -> None:
    assert read_duration(Duration(5)) == Duration(5)
    assert read_duration("24h") == LONGEST
    assert read_percent(plain("0.5%")) == Percent(50)
    assert [read_limit(Off.OFF), read_limit(plain("off")), read_limit(plain("1s"))] == [
        Off.OFF,
        Off.OFF,
        Duration(1_000),
    ]


def test_an_item_that_is_listed_twice_names_both_places() -> None:
    (mistake,) = twice(["a", "b", "a"], "uses")
    assert (mistake.path, mistake.also) == (("uses", 2), (("uses", 0),))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("timeouts: {request: 15}", "4:21: MSH0206 '15' is not a time with its unit; write 15s"),
        ("timeouts: {request: 15sec}", "4:21: MSH0206 '15sec' is not a time with its unit; write 15s"),
        ("timeouts: {request: 1.5s}", "4:21: MSH0206 '1.5s' is not a time with its unit; write 1500ms"),
        ("timeouts: {request: 0.2ms}", "4:21: MSH0206 '0.2ms' is not a time with its unit; write 1ms"),
        ("timeouts: {request: 2 Minutes}", "4:21: MSH0206 '2 Minutes' is not a time with its unit; write 2m"),
        (
            "timeouts: {request: soon}",
            "4:21: MSH0206 'soon' is not a time with its unit;"
            " write a number with ms, s, m or h, such as 250ms or 15s",
        ),
        (
            "timeouts: {connect: 0s}",
            "4:21: MSH0204 0s is not a time that a request can take; write a time above 0s and up to 24h",
        ),
        ("timeouts: {request: 0s}", "4:21: MSH0206 '0s' is not a time; write off for no limit"),
        ("timeouts: {idle: none}", "4:18: MSH0206 'none' is not a time; write off for no limit"),
        (
            "timeouts: {keep_alive: off}",
            "4:24: MSH0206 'off' is not a time with its unit;"
            " write a number with ms, s, m or h, such as 250ms or 15s",
        ),
        (
            "timeouts: {request: 25h}",
            "4:21: MSH0204 25h is not a time that a request can take; write a time above 0s and up to 24h",
        ),
        ("serving: {v1: 100}", "4:15: MSH0206 '100' is not a percentage; write 100%"),
        (
            "serving: {v1: 200%}",
            "4:15: MSH0206 '200%' is not a percentage; write a number of 0 to 100 with %, such as 5% or 0.5%",
        ),
        ("description: ''", "4:14: MSH0219 the text is empty; write something, or leave the key out"),
        (
            f"description: {'x' * 5_000}",
            "4:14: MSH0219 the text has 5,000 bytes, more than 4,096; write at most 4,096",
        ),
    ],
)
def test_a_wrong_scalar_is_told_with_what_to_write(
    voice: Callable[[str], list[str]], text: str, line: str
) -> None:
    assert voice(text) == [line]


@pytest.mark.parametrize(
    ("port", "line"),
    [
        ('"8080"', "MSH0203 the number 8080 is in quotes, which makes it a text; write 8080 without quotes"),
        ("80800", "MSH0204 80800 is not a port; write a number of 1 to 65535"),
        ("0", "MSH0204 0 is not a port; write a number of 1 to 65535"),
        ("http", "MSH0204 'http' is not a whole number; write a port of 1 to 65535"),
        ("0x1F90", "MSH0204 '0x1F90' is not a whole number; write a port of 1 to 65535"),
        ("8_080", "MSH0204 '8_080' is not a whole number; write a port of 1 to 65535"),
        ("9" * 5_000, f"MSH0204 '{'9' * 59}…' is not a whole number; write a port of 1 to 65535"),
        ("[8080]", "MSH0203 port is a list, not a number; write port: 8080, for example"),
        ("~", "MSH0203 port has no value; write port: 8080, for example"),
    ],
)
def test_a_wrong_port_is_told_with_what_to_write(
    told: Callable[..., list[str]], port: str, line: str
) -> None:
    assert told(f"service: voice\nport: {port}\nendpoints: []\n") == [f"2:7: {line}"]

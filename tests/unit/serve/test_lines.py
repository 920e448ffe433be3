"""Every line of the log can be taken apart by a program."""

import logging
import sys

import pytest

from meshctl.serve.lines import Lines, word
from tests.support.logs import Line, logged, parse


def line(name: str, words: str, *values: object, exception: bool = False) -> str:
    info = sys.exc_info() if exception else None
    return Lines().format(logging.LogRecord(name, logging.WARNING, __file__, 1, words, values, info))


def test_every_call_of_a_logger_writes_an_event_with_fields() -> None:
    calls = list(logged())
    assert len(calls) > 10
    assert [call.place for call in calls if not call.event] == []


def test_line_has_time_level_event_and_fields() -> None:
    said = line("meshctl.serve.journal", "connected: node=%s stream=%d", "web@1", 3)
    assert parse(said) == Line("WARNING", "connected", {"node": "web@1", "stream": "3"})


@pytest.mark.parametrize(
    "text", ["two words", "it's", 'a "b"', "a=b", "line\nbreak", "\\", "", "é x", "plain"]
)
def test_value_comes_back_as_it_was(text: str) -> None:
    for said in (
        line("meshctl", "held back: entry=%s", word(text)),
        line("meshctl", "held back: entry=%r", text),
    ):
        assert "\n" not in said
        assert parse(said) == Line("WARNING", "held back", {"entry": text})


def test_what_a_library_says_is_an_event_too() -> None:
    found = parse(line("asyncio", "Task was destroyed: %s", "x=1"))
    assert found == Line("WARNING", "library", {"name": "asyncio", "said": "Task was destroyed: x=1"})


def test_exception_is_a_field_of_its_line() -> None:
    try:
        raise ValueError("no 'good'")
    except ValueError:
        said = line("meshctl.serve.background", "change not published: files=%r", "a.yaml", exception=True)
    found = parse(said)
    assert found is not None
    assert found.fields["traceback"].startswith("Traceback (most recent call last):\n")
    assert found.fields["traceback"].endswith("ValueError: no 'good'")


@pytest.mark.parametrize("text", ["connected", "2026-11-23T12:00:00.123Z INFO free text", "x: a=1 b c=2"])
def test_free_text_is_no_line_of_the_log(text: str) -> None:
    assert parse(text) is None

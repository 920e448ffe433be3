"""Tables, ages, and YAML that every reader understands alike."""

from datetime import UTC, datetime

import click
import pytest
import yaml

from meshctl.cli.output import ago, moment, plural, table
from meshctl.cli.yaml_text import as_yaml

AMBIGUOUS = [
    "n",
    "y",
    "on",
    "no",
    "1:30",
    "0777",
    "1e3",
    "~",
    "null",
    "",
    "2026-11-23",
    "é\n\t\"quoted'",
    "a: b",
]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_every_text_stays_a_text_in_yaml_1_1(text: str) -> None:
    written = as_yaml({"name": text, "list": [text]})
    assert yaml.safe_load(written) == {"name": text, "list": [text]}
    assert 'name: "' in written


def test_yaml_keeps_numbers_booleans_and_the_order_of_keys() -> None:
    shared = {"a": 1}
    assert as_yaml({"b": [True, 2, None], "a": shared, "c": shared, "d": {}}) == (
        "b:\n- true\n- 2\n- null\na:\n  a: 1\nc:\n  a: 1\nd: {}\n"
    )


def test_a_long_text_stays_in_one_line() -> None:
    assert as_yaml(["word " * 100]).count("\n") == 1


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table(("name", "why"), [("a-long-name", ""), ("b", "c")]) == (
        "NAME         WHY\na-long-name\nb            c"
    )


def test_colours_take_no_room_in_a_column() -> None:
    plain, red = table(("state", "why"), [("refused", "b")]), click.style("refused", fg="red")
    assert click.unstyle(table(("state", "why"), [(red, "b")])) == plain


def test_counts_are_words() -> None:
    assert [plural(number, "service") for number in (0, 1, 1200)] == [
        "0 services",
        "1 service",
        "1,200 services",
    ]


def test_a_moment_is_told_to_the_second_and_how_long_ago() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert moment("2026-11-23T11:30:00.123456789Z", now) == "2026-11-23T11:30:00Z (29m ago)"
    assert moment("", now) == "-"


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("", ""),
        ("2026-11-23T12:00:00Z", "0s ago"),
        ("2026-11-23T12:00:05Z", "0s ago"),
        ("2026-11-23T11:59:18.5Z", "41s ago"),
        ("2026-11-23T11:30:00Z", "30m ago"),
        ("2026-11-23T02:00:00Z", "10h ago"),
        ("2026-11-20T02:00:00Z", "3d ago"),
    ],
)
def test_ages_are_told_in_one_unit(time: str, said: str) -> None:
    assert ago(time, datetime(2026, 11, 23, 12, tzinfo=UTC)) == said

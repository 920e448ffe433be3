from collections.abc import Callable

import pytest

from meshctl.catalog.keys.retries import Retries, RetryOn


def test_conditions_are_a_word_of_ours_or_a_list_of_envoys() -> None:
    assert Retries(on=RetryOn.IDEMPOTENT).on is RetryOn.IDEMPOTENT
    assert Retries(on=("5xx", "reset")).on == ("5xx", "reset")


@pytest.mark.parametrize(
    ("retries", "line"),
    [
        ("{on: never-sent}", "15: MSH0211 'never-sent' is not known here; write never_sent"),
        ("{on: always}", "15: MSH0211 'always' is not known here; write one of never_sent, idempotent"),
        ("{on: 5xx}", "15: MSH0203 5xx is one of Envoy's conditions, which stand in a list; write [5xx]"),
        ("{on: [conect-failure]}", "15: MSH0211 'conect-failure' is not known here; write connect-failure"),
        ("{on: []}", "15: MSH0221 the list of conditions is empty;"
                     " write never_sent, or attempts: 0 for no retries"),
        ("{on: [5xx, 5xx]}", "21: MSH0215 '5xx' is listed twice (see platform/voice.yaml:4:16);"
                             " remove one of the two"),
        ("{on: [[5xx]]}", "15: MSH0203 on is a list, not a word or a list of words;"
                          " write on: never_sent, for example"),
        ("{attempts: 11}", "21: MSH0204 11 is not a possible number of attempts; write a number of 0 to 10"),
        ("{attempts: 0, on: idempotent}", "24: MSH0221 attempts: 0 switches retries off, so this is never"
                                          " asked; remove on, or write attempts: 1"),
    ],
)  # fmt: skip
def test_wrong_retries_are_told(voice: Callable[[str], list[str]], retries: str, line: str) -> None:
    assert voice(f"retries: {retries}") == [f"4:{line}"]

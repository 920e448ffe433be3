from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("outliers", "line"),
    [
        ("{consecutive_5xx: 0}", "29: MSH0204 0 is not a number of answers; write a number of 1 to 1000"),
        ("{eject_for: 30}", "23: MSH0206 '30' is not a time with its unit; write 30s"),
        ("{max_ejected: 0.5}", "25: MSH0206 '0.5' is not a percentage; write 0.5%"),
        ("{max_ejected: 0.5%}", "25: MSH0204 0.5% is not a whole percentage; write 1%"),
        ("off", "11: MSH0203 outliers is the text 'off', not a mapping of keys;"
                " write outliers: {consecutive_5xx: 5}, for example"),
    ],
)  # fmt: skip
def test_wrong_outliers_are_told(voice: Callable[[str], list[str]], outliers: str, line: str) -> None:
    assert voice(f"outliers: {outliers}") == [f"4:{line}"]

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("breakers", "line"),
    [
        ("{connections: 0}", "33: MSH0204 0 is not a limit; write a number of 1 to 1000000"),
        ("{pending: many}", "29: MSH0204 'many' is not a whole number; write a limit of 1 to 1000000"),
        ("{requests: '10'}", "30: MSH0203 the number 10 is in quotes, which makes it a text;"
                             " write 10 without quotes"),
        ("{max_retries: 3}", "20: MSH0201 circuit_breakers has no key 'max_retries'; write 'retries'"),
        ("1024", "19: MSH0203 circuit_breakers is the text '1024', not a mapping of keys;"
                 " write circuit_breakers: {connections: 1024}, for example"),
    ],
)  # fmt: skip
def test_wrong_circuit_breakers_are_told(voice: Callable[[str], list[str]], breakers: str, line: str) -> None:
    assert voice(f"circuit_breakers: {breakers}") == [f"4:{line}"]

from collections.abc import Callable

import pytest

FIRST = "put the one that takes more requests last, or remove one of the two"


@pytest.mark.parametrize(
    ("routes", "lines"),
    [
        ("[{match: {path: /a}}]", ["4:10: MSH0212 the route says not what happens;"
                                   " write to: SERVICE, or respond: {status: 404}"]),
        ("[{to: voice/v1, respond: {status: 200}}]", [
            "4:25: MSH0212 the route has both to and respond (see platform/voice.yaml:4:15);"
            " keep one of the two"]),
        ("[{respond: {status: 99}}]", ["4:29: MSH0204 99 is not a status; write a number of 200 to 599"]),
        ("[{respond: {status: 200, body: ''}}]", [
            "4:40: MSH0219 the text is empty; write something, or leave the key out"]),
        ("[{respond: {status: 200}}, {match: {path: /a}, to: voice/v1}]", [
            "4:36: MSH0217 no request reaches this route: route 1 takes them"
            f" (see platform/voice.yaml:4:10); {FIRST}"]),
        ("[{match: {path: /**}, to: voice/v1}, {to: voice/v1}]", [
            "4:46: MSH0217 no request reaches this route: route 1 takes them"
            f" (see platform/voice.yaml:4:10); {FIRST}"]),
        ("[{match: {path: /a}, to: voice/v1}, {match: {path: /a}, respond: {status: 200}}]", [
            "4:45: MSH0217 no request reaches this route: route 1 takes them"
            f" (see platform/voice.yaml:4:10); {FIRST}"]),
        ("[{match: {path: /a}, to: voice/v1}, {to: voice/v1}]", []),
    ],
)  # fmt: skip
def test_routes_say_one_thing_and_can_be_reached(
    voice: Callable[[str], list[str]], routes: str, lines: list[str]
) -> None:
    assert voice(f"routes: {routes}") == lines

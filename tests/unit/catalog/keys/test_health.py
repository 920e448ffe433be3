from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("health", "line"),
    [
        ("{path: healthz}", "16: MSH0209 'healthz' is not a path to ask for; write /healthz"),
        ("{path: '/health z'}", "16: MSH0209 '/health z' is not a path to ask for;"
                                " write one such as /healthz"),
        ("{path: /healthz, tcp: connect}", "26: MSH0212 path and tcp both say what is asked"
                                           " (see platform/voice.yaml:4:16); keep one of the two"),
        ("{tcp: true}", "15: MSH0211 'true' is not known here; write connect"),
        ("{path: /healthz, from: caller}", "32: MSH0211 'caller' is not known here; write callers"),
        ("{path: /healthz, timeout: 61s}", "35: MSH0204 61s is too long to wait for:"
                                           " a gateway that starts waits for it; write at most 1m"),
        ("{grpc: yes}", "16: MSH0203 grpc is the text 'yes', not a mapping of keys;"
                        " write grpc: {service: voice.v1.Voice}, for example"),
        ("{form: callers}", "10: MSH0201 health has no key 'form'; write 'from'"),
    ],
)  # fmt: skip
def test_wrong_health_is_told(voice: Callable[[str], list[str]], health: str, line: str) -> None:
    assert voice(f"health: {health}") == [f"4:{line}"]


@pytest.mark.parametrize("health", ["{from: nobody}", "{grpc: {}, interval: 1s}", "{tcp: connect}"])
def test_health_that_asks_something_or_nobody_is_no_mistake(
    voice: Callable[[str], list[str]], health: str
) -> None:
    assert voice(f"health: {health}") == []

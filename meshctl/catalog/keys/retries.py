"""`retries`: which failed requests are sent again, and how often.

Imports `catalog.key`, `catalog.keys.choice`, `catalog.problems`, `catalog.scalars` and `catalog.takes`.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Annotated

from meshctl.catalog.key import CheckedKey, Scalar, field, refuse, wrong_value
from meshctl.catalog.keys.choice import choose
from meshctl.catalog.problems import LISTED_TWICE, NOTHING_SAID, UNKNOWN_WORD, WRONG_SHAPE, Mistake
from meshctl.catalog.scalars import read_text, twice, whole
from meshctl.catalog.takes import either, listed, one_word

CONDITIONS = (
    "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited",
    "retriable-4xx", "refused-stream", "http3-post-connect-failure",
    "cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable",
)  # fmt: skip
"""Envoy's conditions: the router filter's x-envoy-retry-on and x-envoy-retry-grpc-on.

Without `retriable-status-codes` and `retriable-headers`, which do nothing by themselves.
"""


class RetryOn(Enum):
    """Which failures make a request be sent again."""

    NEVER_SENT = "never_sent"
    """The endpoint never saw the request: safe for every method."""
    IDEMPOTENT = "idempotent"
    """Also where it may have seen it: only for services that take a request twice."""


_WORDS = tuple(word.value for word in RetryOn)


def _read_on(written: object) -> RetryOn | tuple[str, ...]:
    if isinstance(written, RetryOn):
        return written
    if isinstance(written, tuple):
        return _conditions(written)
    text = read_text(written, "a word or a list")
    if text in CONDITIONS:
        message = f"{text} is one of Envoy's conditions, which stand in a list"
        refuse(Mistake(WRONG_SHAPE, message, f"write [{text}]"))
    return RetryOn(choose(written, _WORDS))


def _conditions(written: tuple[object, ...]) -> tuple[str, ...]:
    if not written:
        message = "the list of conditions is empty"
        refuse(Mistake(NOTHING_SAID, message, "write never_sent, or attempts: 0 for no retries"))
    if any(isinstance(item, tuple | dict) for item in written):
        wrong_value("a word or a list of words")
    words = tuple(choose(item, CONDITIONS) for item in written)
    if mistakes := tuple(twice(words)):
        refuse(*mistakes)
    return words


_MOST = 10
"""A request that failed eleven times only makes an overload worse."""


_ON = either(
    f"{' or '.join(_WORDS)}, or a list of {', '.join(CONDITIONS)}",
    one_word(_WORDS, UNKNOWN_WORD),
    listed("conditions", one_word(CONDITIONS), LISTED_TWICE, NOTHING_SAID),
)


class Retries(CheckedKey):
    """Failed requests are sent again to another endpoint. Envoy: config.route.v3.RetryPolicy."""

    attempts: Annotated[int, whole(0, _MOST, "a possible number of attempts")] | None = field(
        doc="How often at most, besides the first time; 0 switches retries off.",
        example="2",
        envoy=[
            "config.route.v3.RetryPolicy.num_retries",
            "extensions.filters.network.tcp_proxy.v3.TcpProxy.max_connect_attempts",
        ],
    )
    on: Annotated[RetryOn | tuple[str, ...], Scalar(_read_on, _ON)] | None = field(
        doc="After which failures: never_sent where the endpoint never saw the request, idempotent also where"
        " it may have, or a list of Envoy's conditions.",
        example="never_sent",
        envoy=["config.route.v3.RetryPolicy.retry_on"],
        codes=["MSH0222"],
    )

    def mistakes(self) -> Iterator[Mistake]:
        """Conditions for no attempt at all."""
        if self.attempts == 0 and self.on is not None:
            message = "attempts: 0 switches retries off, so this is never asked"
            yield Mistake(NOTHING_SAID, message, "remove on, or write attempts: 1", ("on",), on_key=True)

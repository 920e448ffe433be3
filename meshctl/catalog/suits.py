"""What a service says that its protocol knows nothing of.

Imports `catalog.inherited`, the keys and `catalog.problems`.
"""

from collections.abc import Iterator

from meshctl.catalog.inherited import Inherited
from meshctl.catalog.keys.by import Part
from meshctl.catalog.keys.protocol import Protocol
from meshctl.catalog.keys.retries import RetryOn
from meshctl.catalog.problems import NOT_OF_PROTOCOL, Mistake
from meshctl.problems import KeyPath

_REQUESTS = (
    (("timeouts", "request"), "remove it; idle says how long a connection may be silent"),
    (("timeouts", "keep_alive"), "remove it; idle says how long a connection may be silent"),
    (("circuit_breakers", "requests"), "remove it; connections is the limit"),
    (("circuit_breakers", "retries"), "remove it; connections is the limit"),
)
"""Keys that speak of requests, and what to do about it."""


def unsuited(protocol: Protocol, said: Inherited, at: KeyPath = ()) -> Iterator[Mistake]:
    """Keys of requests for a protocol that has none; `at` leads to what is said."""
    if not protocol.is_tcp:
        return
    for path, fix in _REQUESTS:
        if getattr(getattr(said, path[0]), path[1], None) is not None:
            yield no_requests(protocol, (*at, *path), fix)
    by = said.load_balancing.by if said.load_balancing else None
    if by is not None and by.part is not Part.SOURCE:
        fix = "write by: source: a connection has nothing else that is known"
        yield no_requests(protocol, (*at, "load_balancing", "by"), fix)
    if said.retries and said.retries.on not in (None, RetryOn.NEVER_SENT):
        fix = "write on: never_sent: a connection that nobody took is tried elsewhere"
        yield no_requests(protocol, (*at, "retries", "on"), fix)


def means(protocol: Protocol, path: tuple[str, ...]) -> bool:
    """Whether an inherited key is of any use to a protocol."""
    return not protocol.is_tcp or path not in dict[tuple[str, ...], str](_REQUESTS)


def no_requests(protocol: Protocol, path: KeyPath, fix: str) -> Mistake:
    """A key of requests, where there are none."""
    message = f"{path[-1]} means nothing for {protocol.value}, whose connections are passed on as they are"
    return Mistake(NOT_OF_PROTOCOL, message, fix, path, on_key=True)

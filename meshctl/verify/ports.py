"""Free loopback ports.

Imports the standard library only.
"""

import socket
from collections import deque
from contextlib import ExitStack

_given: deque[int] = deque(maxlen=2_000)  # of 14,000: many runs in one process never run out


def free_ports(count: int) -> tuple[int, ...]:
    """`count` different TCP ports on 127.0.0.1 that nobody listens on.

    All are held open until the last one is found, and none of the last 2,000 is given again by this process:
    set-ups side by side do not meet. Between the return and the bind of the real owner another program could
    still take one: ask for all ports of a set-up in one call, and start their owners soon. (Linux hands out
    ephemeral ports at random and connections on loopback take even ones first, while `bind` prefers odd
    ones, so the two rarely meet.)
    """
    with ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            if port not in _given:
                found.append(port)
        _given.extend(found)
        return tuple(found)

"""Free loopback ports.

Imports the standard library only.
"""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> tuple[int, ...]:
    """`count` different TCP ports on 127.0.0.1 that nobody listens on.

    All are held open until the last one is found, so a batch never names a port twice. Between the return
    and the bind of the real owner another program could still take one: ask for all ports of a set-up in one
    call, and start their owners soon. (Linux hands out ephemeral ports at random and connections on loopback
    take even ones first, while `bind` prefers odd ones, so the two rarely meet.)
    """
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return tuple(one.getsockname()[1] for one in sockets)

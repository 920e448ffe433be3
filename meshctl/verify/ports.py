"""Free loopback ports.

Imports the standard library only.
"""

import contextlib
import random
import socket
from collections import deque
from contextlib import ExitStack
from pathlib import Path

LOWEST, HIGHEST = 10_000, 65_535
"""Below are the ports that programs listen on by default."""

ENOUGH = 4_000
"""Ports from which set-ups side by side seldom choose the same one."""

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: deque[int] = deque(maxlen=ENOUGH // 2)  # many runs in one process never run out


def free_ports(count: int) -> tuple[int, ...]:
    """`count` different TCP ports on 127.0.0.1 that nobody listens on.

    None is one that the system gives to outgoing connections (Linux, ip(7): `ip_local_port_range`), which
    come and go at any moment: a port stays free until its owner binds it, and again while its owner restarts.
    All are held until the last one is found, and none of the last 2,000 is given again by this process.
    """
    candidates = _candidates()
    with ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            port = random.choice(candidates)
            one = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                if port not in _given:
                    one.bind(("127.0.0.1", port))
                    found.append(port)
        _given.extend(found)
        return tuple(found)


def _candidates() -> range:
    """The longer of the two ranges beside that of outgoing connections; all, where that leaves few."""
    low, high = _ephemeral()
    beside = max(range(LOWEST, low), range(high + 1, HIGHEST + 1), key=len)
    return beside if len(beside) >= ENOUGH else range(LOWEST, HIGHEST + 1)


def _ephemeral() -> tuple[int, int]:
    try:
        low, high = map(int, _EPHEMERAL.read_text("ascii").split())
    except (OSError, ValueError):
        return 32_768, HIGHEST  # what other systems choose from lies in here (RFC 6335: from 49152 on)
    return low, high

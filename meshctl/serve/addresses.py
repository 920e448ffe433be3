"""The addresses that the server listens on, taken at the start or said to be taken, and room for connections.

Imports the standard library.
"""

import resource
import socket


class CannotServe(Exception):
    """The server cannot start; the message is one line for whoever typed the command."""


def bound(address: str, option: str) -> socket.socket:
    """A socket bound to `address` (HOST:PORT, [::1]:PORT), as `option` of the command line says.

    Raises CannotServe where that is not possible.
    """
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, where = found[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, ValueError):
        raise CannotServe(f"{option} {address} is no address; write one such as 127.0.0.1:18000") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(128)
    except OSError as error:
        listening.close()
        why = error.strerror or str(error)
        raise CannotServe(
            f"cannot listen on {address}: {why}; choose another with {option} HOST:PORT"
        ) from None
    return listening


def allow_connections() -> None:
    """Use as many file descriptors as the system allows: often it gives 1,024, and each stream takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

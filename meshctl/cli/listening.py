"""What listens on an address where no control plane answers: so that the message says what is likely wrong.

Imports the standard library and `envoy.bootstrap`; asked only after a call has come to nothing.
"""

import http.client
import socket
from enum import Enum

from meshctl.envoy.bootstrap import parse_address

_PATIENCE_S = 5.0  # as for the call before


class Listener(Enum):
    """Who answers."""

    NOBODY = "nobody"
    """Nothing listens, or nobody is there to say so."""
    NO_HOST = "no host"
    """The name of the host is not known."""
    HTTP = "http"
    """A server of HTTP/1, such as the one for /readyz and /metrics."""
    OTHER = "other"
    """Something that ends the connection, or says what is no HTTP/1."""


def listener(server: str) -> Listener:
    """Who listens on `server` (HOST:PORT)."""
    host, port = parse_address(server)
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_S)
    try:
        connection.connect()
    except (socket.gaierror, UnicodeError):  # UnicodeError: such as `a..b`
        return Listener.NO_HOST
    except OSError:
        return Listener.NOBODY
    try:
        connection.request("GET", "/healthz")
        connection.getresponse()
    except (http.client.HTTPException, OSError):
        return Listener.OTHER
    finally:
        connection.close()
    return Listener.HTTP

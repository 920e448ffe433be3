"""`protocol`: what a service speaks.

Imports `catalog.key`, `catalog.keys.choice`, `catalog.problems` and `catalog.takes`.
"""

from enum import Enum
from typing import Annotated

from meshctl.catalog.key import Scalar
from meshctl.catalog.keys.choice import choose
from meshctl.catalog.problems import UNKNOWN_WORD
from meshctl.catalog.takes import one_word


class Protocol(Enum):
    """What a service speaks on its port.

    Envoy: extensions.upstreams.http.v3.HttpProtocolOptions.explicit_http_config.
    """

    HTTP = "http"
    """HTTP/1.1."""
    HTTP2 = "http2"
    """HTTP/2 without TLS, known beforehand (h2c)."""
    GRPC = "grpc"
    """HTTP/2 with calls that last as long as their client's deadline allows."""
    TCP = "tcp"
    """Connections of any kind, passed on as they are."""
    MYSQL = "mysql"
    """Connections to MySQL, passed on as they are."""
    REDIS = "redis"
    """Connections to Redis, passed on as they are."""
    TLS_PASSTHROUGH = "tls_passthrough"
    """Connections in TLS, passed on as they are, by the name that the client asks for (SNI)."""

    @property
    def is_tcp(self) -> bool:
        """Whether connections are passed on as they are: nobody looks for requests in them."""
        return self in (Protocol.TCP, Protocol.MYSQL, Protocol.REDIS, Protocol.TLS_PASSTHROUGH)

    @property
    def has_names(self) -> bool:
        """Whether a client says which service it wants."""
        return not self.is_tcp or self is Protocol.TLS_PASSTHROUGH

    @property
    def is_http2(self) -> bool:
        """Whether connections to it are HTTP/2."""
        return self in (Protocol.HTTP2, Protocol.GRPC)


_WORDS = tuple(protocol.value for protocol in Protocol)


def _read(written: object) -> Protocol:
    if isinstance(written, Protocol):
        return written
    return Protocol(choose(written, _WORDS))


ProtocolKey = Annotated[Protocol, Scalar(_read, one_word(_WORDS, UNKNOWN_WORD))]

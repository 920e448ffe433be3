"""`protocol`: what a service speaks.

Imports `catalog.keys.choice`.
"""

from enum import Enum
from typing import Annotated

from pydantic import PlainValidator

from meshctl.catalog.keys.choice import choose


class Protocol(Enum):
    """What a service speaks on its port."""

    HTTP = "http"


def _read(written: object) -> Protocol:
    if isinstance(written, Protocol):
        return written
    return Protocol(choose(written, tuple(protocol.value for protocol in Protocol)))


ProtocolKey = Annotated[Protocol, PlainValidator(_read)]

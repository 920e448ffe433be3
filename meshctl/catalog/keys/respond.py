"""`respond`: an answer of the proxy's own.

Imports `catalog.key`, `catalog.scalars`.
"""

from typing import Annotated

from pydantic import PlainValidator

from meshctl.catalog.key import Key, field, required
from meshctl.catalog.scalars import limited, read_integer

_LARGEST_BODY = 4_096
"""Envoy's default for max_direct_response_body_size_bytes of a route configuration."""


class Respond(Key):
    """An answer of the proxy's own. Envoy: config.route.v3.DirectResponseAction."""

    status: Annotated[int, PlainValidator(lambda n: read_integer(n, 200, 599, "a status"))] = required(
        doc="The status of the answer.", example="200"
    )
    body: Annotated[str, PlainValidator(limited(_LARGEST_BODY))] | None = field(
        doc="The body of the answer, at most 4,096 bytes.", example="pong"
    )

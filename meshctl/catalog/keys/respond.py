"""`respond`: an answer of the proxy's own.

Imports `catalog.key`, `catalog.scalars`.
"""

from typing import Annotated

from meshctl.catalog.key import Key, field, required
from meshctl.catalog.scalars import limited, whole

_LARGEST_BODY = 4_096
"""Envoy's default for max_direct_response_body_size_bytes of a route configuration."""


class Respond(Key):
    """An answer of the proxy's own. Envoy: config.route.v3.DirectResponseAction."""

    status: Annotated[int, whole(200, 599, "a status")] = required(
        doc="The status of the answer.",
        example="200",
        envoy=["config.route.v3.DirectResponseAction.status"],
    )
    body: Annotated[str, limited(_LARGEST_BODY)] | None = field(
        doc="The body of the answer.",
        example="pong",
        envoy=["config.route.v3.DirectResponseAction.body"],
    )

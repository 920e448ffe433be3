"""`timeouts`: how long callers wait.

Imports `catalog.key`, `catalog.scalars`.
"""

from meshctl.catalog.key import Key, field
from meshctl.catalog.scalars import Time


class Timeouts(Key):
    """How long callers wait for the service."""

    connect: Time | None = field(doc="For a connection to an endpoint.", example="1s")
    request: Time | None = field(doc="For the whole answer, all retries included.", example="15s")

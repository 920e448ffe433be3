"""`expose`: what a service offers at a gateway.

Imports `catalog.key` and the keys `match` and `names`.
"""

from meshctl.catalog.key import Key, field, required
from meshctl.catalog.keys.match import Match
from meshctl.catalog.keys.names import HostPattern, Name


class Expose(Key):
    """Requests at a gateway that the service takes, within what the gateway's site opens to its team."""

    on: Name = required(doc="The gateway.", example="edge", codes=["MSH0303"])
    host: HostPattern = required(doc="The host, or *.example.com for all below.", example="api.example.com")
    match: Match | None = field(
        doc="Which requests; without the key: all.", example="{path: /calls/**}", codes=["MSH0221"]
    )

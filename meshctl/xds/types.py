"""The resource types that streams carry: what tells one from another for the protocol, as one table.

May import `names`. Nothing else in this package knows a type's rules; adding a type is adding a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Ref, TypeUrl


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One type of resource; `noun` is the word for people.

    `complete`: a state-of-the-world answer holds all that the client shall have; what it lacks is deleted.
    `wildcard`: a client may ask for everything; else for names only. `refers_to`: types that these may
    need, so that nothing of those can leave while a client holds one of an unknown version. `leaves`: a
    delta client can be told that a name is gone. Endpoints never are: they go with their cluster, and Envoy
    would end a cluster's warming without them.
    """

    url: TypeUrl
    short: str
    noun: str
    complete: bool = False
    wildcard: bool = False
    refers_to: frozenset[TypeUrl] = frozenset()
    leaves: bool = True


# In the order in which answers go out when several types may be sent at once: make before break.
_ROWS = (
    ResourceType(
        CLUSTER,
        "cds",
        "cluster",
        complete=True,
        wildcard=True,
        refers_to=frozenset({ENDPOINTS}),
    ),
    ResourceType(ENDPOINTS, "eds", "endpoints", leaves=False),
    ResourceType(
        LISTENER,
        "lds",
        "listener",
        complete=True,
        wildcard=True,
        refers_to=frozenset({ROUTES, CLUSTER}),
    ),
    ResourceType(ROUTES, "rds", "routes", refers_to=frozenset({CLUSTER})),
)

TYPES: Mapping[TypeUrl, ResourceType] = MappingProxyType({row.url: row for row in _ROWS})
"""Every type by its URL, in the order in which they are sent."""


def called(ref: Ref) -> str:
    """A resource as people call it: `cluster web/v1`."""
    return f"{TYPES[ref.type].noun} {ref.name}"

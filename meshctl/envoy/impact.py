"""What a change of a resource does to the connections of the Envoys that take it.

May import `names`, `envoy.fields` and `envoy.decode`. Pure. Every claim of the table is measured on a real
Envoy by tests/real/test_impact.py, with connections held open through the change. gRPC clients have no
listeners of their own, and may be gentler than this says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from meshctl.envoy.decode import message
from meshctl.envoy.fields import differing
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, TypeUrl


class Impact(Enum):
    """What becomes of open connections, the gentlest first.

    `POOL_REBUILD`: connections to the cluster's endpoints end when their requests are answered, and new ones
    are made. `LISTENER_DRAIN`: clients' connections are closed at the end of Envoy's drain time. `REFUSED`:
    Envoy does not take the change while it runs.
    """

    IN_PLACE = "in place"
    POOL_REBUILD = "pool rebuild"
    LISTENER_DRAIN = "listener drain"
    REFUSED = "refused"

    @property
    def severity(self) -> int:
        """Greater where more is lost."""
        return list(Impact).index(self)


@dataclass(frozen=True, slots=True)
class Row:
    """A field, what its change does, and a word on it; a field within counts as this one."""

    impact: Impact
    why: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What one change does, and the fields that decide it; none for a resource that comes or goes."""

    impact: Impact
    fields: tuple[str, ...] = ()


WHOLE = ""
"""The row of every field that has none of its own: what is not measured counts as the worst."""

_ANEW = "Envoy compares the hash of the whole message, and builds another cluster in place of the old one"
_CHAIN = "of the chains that changed; a chain that comes beside the others closes nothing"
_OTHER_HOST = "an endpoint that moves to another one is another host, with connections of its own"

TABLE: Mapping[TypeUrl, Mapping[str, Row]] = MappingProxyType(
    {
        CLUSTER: {
            WHOLE: Row(Impact.POOL_REBUILD, _ANEW),
            "type": Row(Impact.POOL_REBUILD, _ANEW),
            "cluster_type": Row(Impact.POOL_REBUILD, _ANEW),
            "load_assignment": Row(Impact.POOL_REBUILD, f"{_ANEW}; by another name too"),
            "eds_cluster_config": Row(Impact.POOL_REBUILD, _ANEW),
            "connect_timeout": Row(Impact.POOL_REBUILD, _ANEW),
            "circuit_breakers": Row(Impact.POOL_REBUILD, f"{_ANEW}; limits are no exception"),
            "load_balancing_policy": Row(Impact.POOL_REBUILD, _ANEW),
            "health_checks": Row(Impact.POOL_REBUILD, f"{_ANEW}; all endpoints are asked anew"),
            "common_lb_config": Row(Impact.POOL_REBUILD, _ANEW),
            "outlier_detection": Row(Impact.POOL_REBUILD, f"{_ANEW}; ejections are forgotten"),
            "typed_extension_protocol_options": Row(Impact.POOL_REBUILD, _ANEW),
            "ignore_health_on_host_removal": Row(Impact.POOL_REBUILD, _ANEW),
        },
        ENDPOINTS: {
            WHOLE: Row(Impact.POOL_REBUILD, "not measured"),
            "endpoints": Row(Impact.IN_PLACE, "only connections to endpoints that go end"),
            "endpoints.locality": Row(Impact.POOL_REBUILD, _OTHER_HOST),
            "endpoints.lb_endpoints.endpoint.hostname": Row(Impact.POOL_REBUILD, _OTHER_HOST),
        },
        LISTENER: {
            WHOLE: Row(Impact.LISTENER_DRAIN, "Envoy opens another listener and drains the old one"),
            "address": Row(Impact.LISTENER_DRAIN, "the old address is drained and given up"),
            "filter_chains": Row(Impact.LISTENER_DRAIN, _CHAIN),
            "enable_reuse_port": Row(Impact.REFUSED, "only a restart of Envoy can change it"),
            "api_listener": Row(Impact.IN_PLACE, "for gRPC clients: no address, so nothing to drain"),
        },
        ROUTES: {
            WHOLE: Row(Impact.IN_PLACE, "requests that are under way keep the routes that they had"),
        },
    }
)
"""By type and field, in the words of Envoy's protos; the longest path that fits decides."""

_REMOVED = MappingProxyType({CLUSTER: Impact.POOL_REBUILD, LISTENER: Impact.LISTENER_DRAIN})
"""Endpoints leave with their cluster, routes with their listener, and close nothing by themselves."""


def of_change(type_url: TypeUrl, old: bytes, new: bytes) -> Effect:
    """What it does that the bytes of a resource are others now."""
    rows = TABLE[type_url]
    if rows.keys() == {WHOLE}:  # whatever the field, so it need not be looked for
        return Effect(rows[WHOLE].impact)
    return worst(type_url, differing(message(type_url, old), message(type_url, new)))


def of_addition() -> Effect:
    """What it does that a resource comes: nobody has a connection by it yet."""
    return Effect(Impact.IN_PLACE)


def of_removal(type_url: TypeUrl) -> Effect:
    """What it does that a resource goes, after the last that needs it."""
    return Effect(_REMOVED.get(type_url, Impact.IN_PLACE))


def worst(type_url: TypeUrl, fields: tuple[str, ...]) -> Effect:
    """The gravest of what these changed fields do, and the fields that do it."""
    impacts = {field: row(type_url, field).impact for field in fields}
    gravest = max(impacts.values(), key=lambda impact: impact.severity, default=Impact.IN_PLACE)
    return Effect(gravest, tuple(field for field, impact in impacts.items() if impact is gravest))


def row(type_url: TypeUrl, field: str) -> Row:
    """The row that decides on a field: its own, or that of the nearest one around it."""
    rows = TABLE[type_url]
    while field not in rows:
        field = field.rpartition(".")[0]
    return rows[field]

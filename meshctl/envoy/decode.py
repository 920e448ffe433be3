"""Resources read back from their bytes, for people.

May import `names` and `envoy.pb`.
"""

from collections.abc import Mapping

from meshctl.envoy import pb
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, TypeUrl

_MESSAGES: Mapping[TypeUrl, type[pb.Message]] = {
    CLUSTER: pb.Cluster,
    ENDPOINTS: pb.ClusterLoadAssignment,
    LISTENER: pb.Listener,
    ROUTES: pb.RouteConfiguration,
}


def decode(type_url: TypeUrl, body: bytes) -> dict[str, object]:
    """A resource as JSON, as it would stand in a configuration file of Envoy's."""
    return pb.as_json(_MESSAGES[type_url].FromString(body))

"""Resources read back from their bytes: for people, and to tell whether two say the same.

May import `names`, `envoy.pb` and `envoy.fields`.
"""

from collections.abc import Mapping

from meshctl.envoy import pb
from meshctl.envoy.fields import same_message
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, TypeUrl

_MESSAGES: Mapping[TypeUrl, type[pb.Message]] = {
    CLUSTER: pb.Cluster,
    ENDPOINTS: pb.ClusterLoadAssignment,
    LISTENER: pb.Listener,
    ROUTES: pb.RouteConfiguration,
}


def decode(type_url: TypeUrl, body: bytes) -> dict[str, object]:
    """A resource as JSON, as it would stand in a configuration file of Envoy's."""
    return pb.as_json(message(type_url, body))


def message(type_url: TypeUrl, body: bytes) -> pb.Message:
    """A resource as the message that it is."""
    return _MESSAGES[type_url].FromString(body)


def same_resource(type_url: TypeUrl, one: bytes, other: bytes) -> bool:
    """Whether the bytes of two resources of one type are the same message, written in two ways."""
    try:
        return same_message(message(type_url, one), message(type_url, other))
    except pb.DecodeError:  # then nothing can be said of them
        return False

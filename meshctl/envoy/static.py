"""Resources as one Envoy configuration that needs no control plane, for an Envoy that only reads it.

May import `envoy.pb` and the bootstrap. Each resource stands alone in it: no listener shares an address with
another, and a route may lead to a cluster that is not there, as it may when it is fetched.
"""

from collections.abc import Iterable

from meshctl.envoy import pb
from meshctl.envoy.bootstrap import switches


def static_cluster(cluster: bytes, assignment: bytes | None) -> pb.Cluster:
    """An encoded cluster with its encoded endpoints, if it has them apart, where it would fetch them."""
    message = pb.Cluster.FromString(cluster)
    if assignment is not None:
        message.ClearField("eds_cluster_config")
        message.type = pb.Cluster.STATIC
        message.load_assignment.MergeFromString(assignment)
    return message


def static_listener(listener: bytes, routes: pb.RouteConfiguration | None) -> pb.Listener:
    """An encoded listener with routes in the place where it would fetch them, where it fetches any."""
    message = pb.Listener.FromString(listener)
    if routes is None:
        return message
    for chain in message.filter_chains:
        for one in chain.filters:
            manager = pb.HttpConnectionManager()
            one.typed_config.Unpack(manager)
            manager.route_config.CopyFrom(routes)
            manager.route_config.validate_clusters.CopyFrom(pb.boolean(value=False))
            one.typed_config.CopyFrom(pb.pack(manager))
    return message


def static_bootstrap(clusters: Iterable[pb.Cluster], listeners: Iterable[pb.Listener]) -> pb.Bootstrap:
    """A whole configuration; its bytes may be a file whose name ends with `.pb`."""
    message = pb.Bootstrap()
    message.static_resources.clusters.extend(clusters)
    message.static_resources.listeners.extend(listeners)
    for number, listener in enumerate(message.static_resources.listeners):
        listener.address.socket_address.port_value = 1 + number  # those of many machines are in one process
    message.MergeFrom(pb.from_json(pb.Bootstrap, switches()))
    return message

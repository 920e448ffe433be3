"""What a virtual host says of where requests go, apart from all else that it says. Envoy: config.route.v3.

Imports `envoy.pb`. A host is told by the bytes of a route configuration that has nothing else.
"""

from collections.abc import Mapping

from meshctl.envoy import pb

Destination = tuple[tuple[str, int], ...]
"""Where a route sends requests: clusters with their weights; a weight of 0 for one that gets all."""


def host_of(body: bytes) -> pb.VirtualHost:
    """The virtual host in a route configuration's bytes that have nothing else."""
    (host,) = pb.RouteConfiguration.FromString(body).virtual_hosts
    return host


def differ_in_weights_alone(old: pb.VirtualHost, new: pb.VirtualHost) -> bool:
    """Whether nothing but clusters and their weights tells the one from the other."""
    return _without_destinations(old) == _without_destinations(new)


def moved(old: pb.VirtualHost, new: pb.VirtualHost) -> Mapping[Destination, pb.RouteAction]:
    """Where requests go now that went to each destination before, for hosts that differ in weights alone.

    Without those of which some go here now and some there.
    """
    found: dict[Destination, pb.RouteAction] = {}
    torn: set[Destination] = set()
    for before, after in zip(_actions(old), _actions(new), strict=True):
        known = found.setdefault(_destination(before), after)
        if _destination(known) != _destination(after):
            torn.add(_destination(before))
    return {destination: action for destination, action in found.items() if destination not in torn}


def follow(host: pb.VirtualHost, to: Mapping[Destination, pb.RouteAction]) -> pb.VirtualHost:
    """The host, with requests that went to one of these destinations going where those go now."""
    followed = pb.VirtualHost()
    followed.CopyFrom(host)
    for action in _actions(followed):
        after = to.get(_destination(action))
        if after is not None and after.cluster:
            action.cluster = after.cluster
        elif after is not None:
            action.weighted_clusters.CopyFrom(after.weighted_clusters)
    return followed


def clusters_of(host: pb.VirtualHost) -> frozenset[str]:
    """The names of the clusters that the host's routes lead to."""
    return frozenset(name for action in _actions(host) for name, _ in _destination(action))


def _actions(host: pb.VirtualHost) -> list[pb.RouteAction]:
    return [route.route for route in host.routes if route.HasField("route")]


def _destination(action: pb.RouteAction) -> Destination:
    weighted = tuple((part.name, part.weight.value) for part in action.weighted_clusters.clusters)
    return weighted or ((action.cluster, 0),)


def _without_destinations(host: pb.VirtualHost) -> pb.VirtualHost:
    bare = pb.VirtualHost()
    bare.CopyFrom(host)
    for action in _actions(bare):
        parts = list(action.weighted_clusters.clusters)
        action.ClearField("cluster")
        action.ClearField("weighted_clusters")
        for part in parts:
            part.ClearField("name")
            part.ClearField("weight")
            if part.ByteSize():  # it says more than where: that must be equal too
                action.weighted_clusters.clusters.append(part)
    return bare

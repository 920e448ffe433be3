"""Clusters whose endpoints are looked up by name. Envoy: extensions.clusters.dns.v3.DnsCluster.

May import the mesh's facts. They have no load assignment, so another name is another cluster.
"""

from meshctl.envoy import pb
from meshctl.mesh.facts import DnsFacts


def look_up(cluster: pb.Cluster, name: DnsFacts) -> None:
    """Let a cluster look for its endpoints by this name."""
    cluster.load_assignment.CopyFrom(_assignment(cluster.name, name))
    cluster.cluster_type.CopyFrom(
        pb.Cluster.CustomClusterType(name="envoy.cluster.dns", typed_config=pb.pack(_dns()))
    )


def look_up_by_grpc(cluster: pb.Cluster, name: DnsFacts) -> None:
    """The same for gRPC's own clients, which take no other kind: they use one address after the other."""
    cluster.load_assignment.CopyFrom(_assignment(cluster.name, name))
    cluster.type = pb.Cluster.LOGICAL_DNS


def _dns() -> pb.DnsCluster:
    """Every address is an endpoint. Answers without a TTL, and failures, are asked again after 5 s."""
    # While a name is looked up for the first time, Envoy does not start, or acknowledges no cluster. Where no
    # DNS server answers, its own times would make that more than 50 s, and these 6 s.
    patience = pb.CaresDnsResolverConfig(query_timeout_seconds=pb.uint64(1), query_tries=pb.uint32(2))
    resolver = pb.TypedExtensionConfig(
        name="envoy.network.dns_resolver.cares", typed_config=pb.pack(patience)
    )
    return pb.DnsCluster(
        respect_dns_ttl=True,
        # By itself Envoy asks for IPv6 first, and for IPv4 only where there is none.
        dns_lookup_family=pb.DnsLookupFamily.V4_PREFERRED,
        typed_dns_resolver_config=resolver,
    )


def _assignment(cluster: str, name: DnsFacts) -> pb.ClusterLoadAssignment:
    message = pb.ClusterLoadAssignment(cluster_name=cluster)
    locality = message.endpoints.add()
    locality.lb_endpoints.add(endpoint=pb.Endpoint(address=pb.socket(name.host, name.port)))
    return message

"""One load assignment a cluster: its endpoints. Envoy: config.endpoint.v3.ClusterLoadAssignment.

May import the mesh's facts.
"""

from meshctl import names
from meshctl.catalog.keys.endpoint import EVEN
from meshctl.envoy import pb
from meshctl.mesh.facts import VersionFacts


def load_assignment(service: str, version: VersionFacts) -> pb.ClusterLoadAssignment:
    """The endpoints of one version, in the order in which its team wrote them."""
    message = pb.ClusterLoadAssignment(cluster_name=names.cluster(service, version.name))
    if not version.endpoints:
        return message
    # A weight that Envoy ignores here; gRPC clients leave out localities that have none.
    locality = message.endpoints.add(load_balancing_weight=pb.uint32(1))
    locality.locality.SetInParent()
    for endpoint in version.endpoints:
        one = locality.lb_endpoints.add(
            endpoint=pb.Endpoint(address=pb.socket(endpoint.address, endpoint.port))
        )
        if endpoint.weight != EVEN:
            one.load_balancing_weight.CopyFrom(pb.uint32(endpoint.weight))
    return message

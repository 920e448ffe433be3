"""Resources that a real Envoy refuses, made by builders that get them wrong: no catalog can say such things.

They work on a control plane in the test's own process.
"""

import pytest

from meshctl.catalog.keys.protocol import Protocol
from meshctl.envoy import cluster, endpoints, match, pb
from meshctl.envoy.cluster import Caller
from meshctl.mesh.facts import VersionFacts
from meshctl.mesh.settings import Settings


def host_name_for_port(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """Endpoints with this port get a host's name for an address: Envoy refuses such a load assignment."""
    right = endpoints.load_assignment

    def wrong(service: str, version: VersionFacts) -> pb.ClusterLoadAssignment:
        message = right(service, version)
        for locality in message.endpoints:
            for one in locality.lb_endpoints:
                if one.endpoint.address.socket_address.port_value == port:
                    one.endpoint.address.socket_address.address = "backend.internal"
        return message

    monkeypatch.setattr(endpoints, "load_assignment", wrong)


def bad_cluster(monkeypatch: pytest.MonkeyPatch, name: str, secret: str) -> None:
    """The cluster `name` holds `secret` and breaks a constraint: Envoy echoes it whole with its reason."""
    right = cluster.cluster

    def wrong(
        service: str, version: VersionFacts, protocol: Protocol, settings: Settings, caller: Caller
    ) -> pb.Cluster:
        message = right(service, version, protocol, settings, caller)
        if message.name == name:
            message.metadata.filter_metadata["credentials"]["password"] = secret
            message.outlier_detection.max_ejection_percent.value = 101
        return message

    monkeypatch.setattr(cluster, "cluster", wrong)


def long_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Path templates of any length are written as such: Envoy refuses those above 256 characters."""
    monkeypatch.setattr(match, "_LONGEST_TEMPLATE", 1 << 20)

"""Compares the two Python codecs for Envoy's messages; the figures stand in decision 0001.

`python bench/codecs.py` builds and serialises one ClusterLoadAssignment of 50 endpoints with the official
protobuf classes of xds-protos (upb, C) and with envoy-data-plane (betterproto2, Python), and checks that
both write the same bytes.
"""

import timeit
from collections.abc import Callable
from importlib.metadata import version

from envoy.config.core.v3.address_pb2 import Address, SocketAddress
from envoy.config.endpoint.v3.endpoint_components_pb2 import Endpoint, LbEndpoint, LocalityLbEndpoints
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy_data_plane.envoy.config.core import v3 as other_core
from envoy_data_plane.envoy.config.endpoint import v3 as other

ENDPOINTS = 50
REPEATS = 7


def official() -> ClusterLoadAssignment:
    """The assignment as xds-protos builds it."""
    return ClusterLoadAssignment(
        cluster_name="voice/v1",
        endpoints=[LocalityLbEndpoints(lb_endpoints=[_official_endpoint(n) for n in range(ENDPOINTS)])],
    )


def _official_endpoint(number: int) -> LbEndpoint:
    socket = SocketAddress(address=f"10.0.1.{number}", port_value=8080)
    return LbEndpoint(endpoint=Endpoint(address=Address(socket_address=socket)))


def betterproto() -> other.ClusterLoadAssignment:
    """The same assignment as envoy-data-plane builds it."""
    return other.ClusterLoadAssignment(
        cluster_name="voice/v1",
        endpoints=[
            other.LocalityLbEndpoints(lb_endpoints=[_betterproto_endpoint(n) for n in range(ENDPOINTS)])
        ],
    )


def _betterproto_endpoint(number: int) -> other.LbEndpoint:
    socket = other_core.SocketAddress(address=f"10.0.1.{number}", port_value=8080)
    return other.LbEndpoint(endpoint=other.Endpoint(address=other_core.Address(socket_address=socket)))


def microseconds(action: Callable[[], object]) -> float:
    """The best of some repeats, per call: other work on the machine can only add to it."""
    timer = timeit.Timer(action)
    calls, _ = timer.autorange()
    return min(timer.repeat(REPEATS, calls)) / calls * 1e6


def main() -> None:
    """Print a table of both codecs."""
    ours, theirs = official(), betterproto()
    written = ours.SerializeToString(deterministic=True)
    if written != bytes(theirs):
        raise SystemExit("the two codecs write different bytes")
    rows = (
        ("build", official, betterproto),
        ("serialise", lambda: ours.SerializeToString(deterministic=True), lambda: bytes(theirs)),
        ("parse", lambda: ClusterLoadAssignment.FromString(written), lambda: type(theirs).parse(written)),
    )
    print(
        f"xds-protos {version('xds-protos')} on protobuf {version('protobuf')}, "
        f"envoy-data-plane {version('envoy-data-plane')} on betterproto2 {version('betterproto2')}"
    )
    print(f"{ENDPOINTS} endpoints, {len(written)} bytes")
    print(f"{'':10}{'xds-protos':>14}{'envoy-data-plane':>20}{'times':>8}")
    for name, first, second in rows:
        fast, slow = microseconds(first), microseconds(second)
        print(f"{name:10}{fast:11.1f} µs{slow:17.1f} µs{slow / fast:8.1f}")


if __name__ == "__main__":
    main()

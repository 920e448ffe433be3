"""One cluster a version: how callers connect to it, and when they stop. Envoy: config.cluster.v3.Cluster.

May import the mesh's facts. Endpoints are not here but in the load assignment, so that they change
without a new cluster, whose connection pools would be built again.
"""

from collections.abc import Mapping
from enum import Enum

from meshctl import names
from meshctl.catalog.keys.protocol import Protocol
from meshctl.envoy import balancing, dns, pb
from meshctl.envoy.health import checked_endpoints, health_check
from meshctl.mesh.facts import VersionFacts
from meshctl.mesh.settings import CircuitBreakers, Outliers, Settings
from meshctl.names import Role

_UPSTREAM_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


class Caller(Enum):
    """Who has a cluster; the value is the variant of the resource, where it is not the same for all."""

    ANY = ""
    GATEWAY = "gateway"
    GRPC = "grpc"

    @property
    def role(self) -> Role:
        """What its node is for."""
        return Role.GATEWAY if self is Caller.GATEWAY else Role.SIDECAR


def cluster(
    service: str, version: VersionFacts, protocol: Protocol, settings: Settings, caller: Caller
) -> pb.Cluster:
    """The cluster of one version of a service, its endpoints fetched over ADS, or looked up by name."""
    message = _without_endpoints(names.cluster(service, version.name), protocol, settings)
    if version.dns is None:
        message.type = pb.Cluster.EDS
        message.eds_cluster_config.eds_config.CopyFrom(pb.ads())
    elif caller is Caller.GRPC:
        dns.look_up_by_grpc(message, version.dns)
    else:
        dns.look_up(message, version.dns)
    _ask(message, service, protocol, settings, caller.role)
    return message


def _without_endpoints(name: str, protocol: Protocol, settings: Settings) -> pb.Cluster:
    return pb.Cluster(
        name=name,
        connect_timeout=pb.duration(settings.timeouts.connect),
        circuit_breakers=circuit_breakers(settings.circuit_breakers),
        load_balancing_policy=balancing.policy(settings.load_balancing),
        outlier_detection=outlier_detection(settings.outliers),
        typed_extension_protocol_options=upstream_http(protocol, settings),
        # An endpoint that was taken out goes at once, even while its health checks still pass.
        ignore_health_on_host_removal=True,
    )


def _ask(message: pb.Cluster, service: str, protocol: Protocol, settings: Settings, role: Role) -> None:
    """Let nodes of a role ask the endpoints how they are, if they shall."""
    if check := settings.health.asked_by(role):
        message.health_checks.append(health_check(service, protocol, settings.health, check))
        message.common_lb_config.CopyFrom(checked_endpoints())
        if settings.outliers.max_ejected.whole():
            # What fails in live traffic is left out for its time, whatever it answers when it is asked.
            message.outlier_detection.successful_active_health_check_uneject_host.value = False


def circuit_breakers(breakers: CircuitBreakers) -> pb.CircuitBreakers:
    """Limits on what one caller has open to the cluster. Envoy: config.cluster.v3.CircuitBreakers."""
    return pb.CircuitBreakers(
        thresholds=[
            pb.CircuitBreakers.Thresholds(
                max_connections=pb.uint32(breakers.connections),
                max_pending_requests=pb.uint32(breakers.pending),
                max_requests=pb.uint32(breakers.requests),
                max_retries=pb.uint32(breakers.retries),
                track_remaining=True,
            )
        ]
    )


def outlier_detection(outliers: Outliers) -> pb.OutlierDetection | None:
    """When failing endpoints are left out, None: never. Envoy: config.cluster.v3.OutlierDetection."""
    if not outliers.max_ejected.whole():
        return None
    return pb.OutlierDetection(
        consecutive_5xx=pb.uint32(outliers.consecutive_5xx),
        consecutive_gateway_failure=pb.uint32(outliers.consecutive_gateway_failures),
        # Without it Envoy counts gateway failures and ejects nobody: it enforces them at 0 %.
        enforcing_consecutive_gateway_failure=pb.uint32(100),
        interval=pb.duration(outliers.interval),
        base_ejection_time=pb.duration(outliers.eject_for),
        max_ejection_percent=pb.uint32(outliers.max_ejected.whole()),
    )


def upstream_http(protocol: Protocol, settings: Settings) -> Mapping[str, pb.Any]:
    """How connections are spoken over, and how long an idle one is kept. The extension by its name.

    None for connections that are passed on.

    Envoy: extensions.upstreams.http.v3.HttpProtocolOptions.
    """
    if protocol.is_tcp:
        return {}
    config = pb.UpstreamHttpOptions.ExplicitHttpConfig()
    if protocol.is_http2:
        config.http2_protocol_options.SetInParent()
    else:
        config.http_protocol_options.SetInParent()
    options = pb.UpstreamHttpOptions(
        common_http_protocol_options=pb.HttpProtocolOptions(
            idle_timeout=pb.duration(settings.timeouts.keep_alive)
        ),
        explicit_http_config=config,
    )
    return {_UPSTREAM_HTTP: pb.pack(options)}

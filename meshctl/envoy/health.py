"""What is asked of endpoints, and who gets requests then. Envoy: config.core.v3.HealthCheck.

May import the mesh's settings.
"""

from typing import assert_never

from meshctl.catalog.keys.health import Check, GrpcCheck, HttpCheck, TcpCheck
from meshctl.catalog.keys.protocol import Protocol
from meshctl.envoy import pb
from meshctl.mesh.settings import Health


def health_check(service: str, protocol: Protocol, health: Health, check: Check) -> pb.HealthCheck:
    """What is asked, and how often."""
    message = pb.HealthCheck(
        timeout=pb.duration(health.timeout),
        interval=pb.duration(health.interval),
        # Else a cluster without traffic is asked once a minute.
        no_traffic_interval=pb.duration(health.interval),
        unhealthy_threshold=pb.uint32(health.unhealthy_after),
        healthy_threshold=pb.uint32(health.healthy_after),
    )
    match check:
        case HttpCheck(path):
            message.http_health_check.CopyFrom(_http(service, protocol, path))
        case GrpcCheck(of):
            message.grpc_health_check.CopyFrom(
                pb.HealthCheck.GrpcHealthCheck(service_name=of, authority=service)
            )
        case TcpCheck():
            message.tcp_health_check.SetInParent()
        case _:
            assert_never(check)
    return message


def _http(service: str, protocol: Protocol, path: str) -> pb.HealthCheck.HttpHealthCheck:
    return pb.HealthCheck.HttpHealthCheck(
        host=service,  # Envoy would say the cluster's name, which is no host
        path=path,
        codec_client_type=pb.CodecClientType.HTTP2 if protocol.is_http2 else pb.CodecClientType.HTTP1,
        # Else one answer that is not 200 is enough, however many `unhealthy_after` says.
        retriable_statuses=[pb.Int64Range(start=100, end=600)],
    )


def checked_endpoints() -> pb.Cluster.CommonLbConfig:
    """Who gets requests where endpoints are asked.

    Those that fail get none while one passes; where none does, all get some, as if nobody had asked: so a
    check that breaks is no outage. New ones count once they have answered, or many that come at once would
    make the rest look like a few.
    """
    return pb.Cluster.CommonLbConfig(
        healthy_panic_threshold=pb.Percent(value=1),
        ignore_new_hosts_until_first_hc=True,
    )

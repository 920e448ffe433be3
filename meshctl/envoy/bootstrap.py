"""What an Envoy starts with: who it is, and where its control plane answers. Envoy: config.bootstrap.v3.

May import the mesh. A plain mapping, so that writing a bootstrap needs no protobuf; everything but these
lines comes over ADS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TypeAlias

from meshctl import names
from meshctl.mesh.addresses import ADMIN_PORT
from meshctl.names import Role

JSON: TypeAlias = "Mapping[str, JSON] | Sequence[JSON] | str | int | float | bool | None"

CONTROL_PLANE = "127.0.0.1:18000"

_CONTROL_PLANE_CLUSTER = "xds"
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_LARGEST_REGEX = 1 << 20
"""Envoy refuses regular expressions above a program size of 100, and 36 hex digits are 112 already; RE2
takes linear time at any size, and one refused expression would keep all routes back. Contour's value."""


@dataclass(frozen=True, slots=True)
class Identity:
    """How a node names itself: `targets` are the services of a sidecar, or the one gateway.

    `egress` is where its own egress listener answers, empty for the mesh's address; `ingress` the IP address
    on which it takes what its services are sent, empty for all of its machine.
    """

    role: Role
    targets: tuple[str, ...]
    id: str
    egress: str = ""
    ingress: str = ""

    @property
    def cluster(self) -> str:
        """The services, or the gateway, as one word."""
        return names.joined(self.targets)


def node_id(targets: Sequence[str], host: str) -> str:
    """The id of the one node of its kind on a host: `web@host-7`."""
    return f"{names.joined(targets)}@{host}"


def bootstrap(identity: Identity, control_plane: str, admin_port: int = ADMIN_PORT) -> dict[str, JSON]:
    """The bootstrap as JSON; `control_plane` is HOST:PORT, an IPv6 address in brackets.

    Delta over one ADS stream. Raises ValueError when `control_plane` has another form.
    """
    return {
        "node": _node(identity),
        "admin": {"address": _socket("127.0.0.1", admin_port)},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": True,
                "grpc_services": [{"envoy_grpc": _stream()}],
            },
            "cds_config": _ads(),
            "lds_config": _ads(),
        },
        "static_resources": {"clusters": [_control_plane(control_plane)]},
        **switches(),
    }


def switches() -> dict[str, JSON]:
    """What every Envoy has besides: the switches that differ from its own defaults."""
    limits = {f"re2.max_program_size.{level}_level": _LARGEST_REGEX for level in ("error", "warn")}
    return {"layered_runtime": {"layers": [{"name": "meshctl", "static_layer": limits}]}}


def parse_address(address: str) -> tuple[str, int]:
    """Host and port of HOST:PORT, an IPv6 address without its brackets. Raises ValueError."""
    host, colon, port = address.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not bare or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f"{address!r} is not HOST:PORT, such as {CONTROL_PLANE}")
    return bare, int(port)


def is_ip(host: str) -> bool:
    """Whether `host` is an IP address, and not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _node(identity: Identity) -> JSON:
    metadata: dict[str, JSON] = {"role": identity.role.value}
    if identity.role is Role.SIDECAR:
        metadata["services"] = sorted(identity.targets)
    if identity.egress:
        metadata["egress"] = identity.egress
    if identity.ingress:
        metadata["ingress"] = identity.ingress
    return {"id": identity.id, "cluster": identity.cluster, "metadata": metadata}


def _stream() -> JSON:
    # Envoy's own longest pause between attempts is 30 s: too long to wait after a restart.
    pauses = {"base_interval": "0.5s", "max_interval": "5s"}
    return {"cluster_name": _CONTROL_PLANE_CLUSTER, "retry_policy": {"retry_back_off": pauses}}


def _control_plane(address: str) -> JSON:
    host, port = parse_address(address)
    return {
        "name": _CONTROL_PLANE_CLUSTER,
        "type": "STATIC" if is_ip(host) else "STRICT_DNS",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": _CONTROL_PLANE_CLUSTER,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _socket(host, port)}}]}],
        },
        "typed_extension_protocol_options": {
            _HTTP_OPTIONS: {
                "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
                "explicit_http_config": {"http2_protocol_options": _http2()},
            }
        },
    }


def _http2() -> JSON:
    # A control plane that vanished without closing its connection would otherwise be waited for in silence.
    return {"connection_keepalive": {"interval": "30s", "timeout": "5s"}}


def _ads() -> JSON:
    return {"ads": {}, "resource_api_version": "V3"}


def _socket(host: str, port: int) -> JSON:
    return {"socket_address": {"address": host, "port_value": port}}

"""Virtual hosts, each a cell of its own: a change of one service encodes it once for all its callers.

May import the mesh, envoy and snapshot.
"""

from meshctl.envoy import routes
from meshctl.envoy.match import envoy_paths
from meshctl.graph import Look, Rule
from meshctl.mesh.facts import GatewayHost
from meshctl.mesh.interface import INTERFACE
from meshctl.snapshot.encode import encode_part
from meshctl.snapshot.resource import Part


def _service_host(look: Look, name: str) -> Part | None:
    interface = look(INTERFACE, name)
    if interface is None:
        return None
    if interface.protocol.is_tcp:
        return encode_part(name, routes.no_requests(interface), [])
    message = routes.service_host(interface, envoy_paths)
    return encode_part(name, message, list(routes.clusters_of(interface.routes)))


def _gateway_host(_look: Look, host: GatewayHost) -> Part:
    """Keyed by the facts themselves: a gateway's hosts that stay equal are not encoded again."""
    needs = list(routes.clusters_of(host.routes))
    return encode_part(host.domains[0], routes.gateway_host(host), needs)


def _unknown_host(_look: Look, variant: str) -> Part:
    return encode_part(routes.NOT_IN_USES, routes.unknown_host(variant), [])


SERVICE_HOST: Rule[str, Part | None] = Rule("service host", 8, _service_host)
GATEWAY_HOST: Rule[GatewayHost, Part] = Rule("gateway host", 8, _gateway_host)
UNKNOWN_HOST: Rule[str, Part] = Rule("unknown host", 8, _unknown_host)

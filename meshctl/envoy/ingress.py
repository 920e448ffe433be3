"""A service's own sidecar takes its requests, and hands them to the process beside it.

May import the mesh's facts and the modules of what it is made of. Callers decide how long is waited, how much
is under way and what is sent again; here nothing is cut short, limited or tried twice, and what the process
never saw is marked, so that a caller may send it elsewhere.
"""

from meshctl import names
from meshctl.catalog.keys.protocol import Protocol
from meshctl.catalog.scalars import LONGEST
from meshctl.envoy import pb
from meshctl.envoy.cluster import upstream_http
from meshctl.envoy.listener import address, connection_manager, http_chain, tcp_chain
from meshctl.mesh.facts import Ingress
from meshctl.mesh.settings import Settings
from meshctl.units import Off

_LOOPBACK = "127.0.0.1"
_NO_LIMIT = (1 << 32) - 1
_NEVER_REACHED = "UF"
"""Envoy's response flag of a request for which no connection to the process could be made."""
_LONGER_THAN_CALLERS = 2 * LONGEST.milliseconds
"""How long an idle connection of a caller's is kept.

Whoever closes first must be the caller, or a request meets a closing connection.
"""


def inbound_cluster(service: str, protocol: Protocol, settings: Settings, ingress: Ingress) -> pb.Cluster:
    """The process beside the sidecar. Envoy: config.cluster.v3.Cluster.

    Its port stands in the cluster and not in endpoints of their own, which would go to all nodes at once:
    a port on which nobody listens must not reach every sidecar of the service in one moment.
    """
    name = names.inbound(service)
    locality = pb.LocalityLbEndpoints()
    locality.lb_endpoints.add(endpoint=pb.Endpoint(address=pb.socket(_LOOPBACK, ingress.target_port)))
    return pb.Cluster(
        name=name,
        type=pb.Cluster.STATIC,
        load_assignment=pb.ClusterLoadAssignment(cluster_name=name, endpoints=[locality]),
        connect_timeout=pb.duration(settings.timeouts.connect),
        circuit_breakers=_unlimited(),
        typed_extension_protocol_options=upstream_http(protocol, settings),
    )


def _unlimited() -> pb.CircuitBreakers:
    """Envoy's own limits of 1,024 would be one for all callers together, each of whom has its own."""
    none = pb.uint32(_NO_LIMIT)
    limits = pb.CircuitBreakers.Thresholds(
        max_connections=none, max_pending_requests=none, max_requests=none, max_retries=none
    )
    return pb.CircuitBreakers(thresholds=[limits])


def ingress_listener(service: str, protocol: Protocol, bind: str) -> pb.Listener:
    """Where the sidecar takes the requests; `[::]` is for those over IPv4 too.

    Envoy: config.listener.v3.Listener.
    """
    where = address(bind)
    where.socket_address.ipv4_compat = where.socket_address.address == "::"
    return pb.Listener(
        name=names.ingress(service),
        address=where,
        filter_chains=[_passed_on(service) if protocol.is_tcp else http_chain(_manager(service))],
        # A process that still has the port must be told of, and not share the requests.
        enable_reuse_port=pb.boolean(value=False),
    )


def _passed_on(service: str) -> pb.FilterChain:
    """Connections are handed over as they are, and stay for as long as the callers' sidecars want."""
    return tcp_chain(names.ingress(service), names.inbound(service), Off.OFF, attempts=1)


def _manager(service: str) -> pb.HttpConnectionManager:
    name = names.ingress(service)
    manager = connection_manager(name, name)
    manager.common_http_protocol_options.idle_timeout.FromMilliseconds(_LONGER_THAN_CALLERS)
    mark = pb.HeaderValueOption(
        header=pb.HeaderValue(key=names.NEVER_SENT, value="1"),
        append_action=pb.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
    )
    mapper = manager.local_reply_config.mappers.add(headers_to_add=[mark])
    mapper.filter.response_flag_filter.flags.append(_NEVER_REACHED)
    return manager


def ingress_routes(service: str) -> pb.RouteConfiguration:
    """Everything goes to the process, for as long as it takes. Envoy: config.route.v3.RouteConfiguration."""
    name = names.ingress(service)
    action = pb.RouteAction(
        cluster=names.inbound(service), timeout=pb.limit(Off.OFF), idle_timeout=pb.limit(Off.OFF)
    )
    route = pb.Route(
        match=pb.RouteMatch(prefix="/"),
        route=action,
        # A process must not speak for its sidecar, or callers would send again what it has seen.
        response_headers_to_remove=[names.NEVER_SENT],
    )
    host = pb.VirtualHost(name=name, domains=["*"], routes=[route])
    return pb.RouteConfiguration(name=name, virtual_hosts=[host])

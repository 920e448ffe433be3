"""Listeners: a sidecar's way out, a gateway's doors, and API listeners for gRPC. Envoy: config.listener.v3.

May import the mesh's facts. Routes are fetched apart from listeners: a listener that changes drains
its connections, routes do not.
"""

from collections.abc import Iterable, Sequence

from meshctl import names
from meshctl.envoy import pb
from meshctl.envoy.sessions import stateful_session
from meshctl.mesh.facts import Passage
from meshctl.units import Duration, Off

_HTTP = "envoy.filters.network.http_connection_manager"
_TCP = "envoy.filters.network.tcp_proxy"
_TLS_INSPECTOR = "envoy.filters.listener.tls_inspector"
_ROUTER = "envoy.filters.http.router"


def egress_listener(services: tuple[str, ...], egress: str) -> pb.Listener:
    """Where the services of a sidecar send what they call."""
    name = names.egress(services)
    return _way_out(name, egress, http_chain(connection_manager("egress", name, stateful_session())))


def gateway_listener(gateway: str, bind: str) -> pb.Listener:
    """One door of a gateway."""
    name = names.gateway_listener(gateway, bind)
    manager = connection_manager(f"gateway/{gateway}", name, stateful_session())
    manager.use_remote_address.CopyFrom(pb.boolean(value=True))
    return pb.Listener(name=name, address=address(bind), filter_chains=[http_chain(manager)])


def egress_tcp(passage: Passage, bind: str) -> pb.Listener:
    """Where the service of a sidecar opens connections that are passed on to one other service."""
    name = names.egress_tcp(passage.service)
    message = _way_out(name, bind, _passed_on(name, passage))
    message.listener_filters.extend(_inspectors([passage]))
    return message


def egress_http(service: str, bind: str) -> pb.Listener:
    """Where the service of a sidecar sends requests that all go to one other service."""
    name = names.egress_http(service)
    return _way_out(name, bind, http_chain(connection_manager(name, name, stateful_session())))


def gateway_passages(gateway: str, bind: str, passages: Sequence[Passage]) -> pb.Listener:
    """One door of a gateway, behind which connections are passed on."""
    name = names.gateway_listener(gateway, bind)
    chains = [_passed_on(f"gateway/{gateway}", passage) for passage in passages]
    return pb.Listener(
        name=name, address=address(bind), filter_chains=chains, listener_filters=_inspectors(passages)
    )


def api_listener(name: str, service: str) -> pb.Listener:
    """What a gRPC client gets that asks for `xds:///name`."""
    manager = connection_manager(f"api/{service}", names.api_routes(service))
    return pb.Listener(name=name, api_listener=pb.ApiListener(api_listener=pb.pack(manager)))


def address(bind: str) -> pb.Address:
    """An address and a port as people write them: `127.0.0.1:15001`, `[::1]:80`."""
    host, _, port = bind.rpartition(":")
    return pb.socket(host.removeprefix("[").removesuffix("]"), int(port))


def _way_out(name: str, bind: str, chain: pb.FilterChain) -> pb.Listener:
    return pb.Listener(
        name=name,
        address=address(bind),
        filter_chains=[chain],
        # A second Envoy on the same port must say so and not share it in silence.
        enable_reuse_port=pb.boolean(value=False),
    )


def connection_manager(stat_prefix: str, routes: str, *filters: pb.HttpFilter) -> pb.HttpConnectionManager:
    """What speaks HTTP on a listener, with routes that it fetches by name."""
    router = pb.HttpFilter(name=_ROUTER, typed_config=pb.pack(pb.Router()))
    return pb.HttpConnectionManager(
        stat_prefix=stat_prefix,
        rds=pb.Rds(config_source=pb.ads(), route_config_name=routes),
        http_filters=[*filters, router],
    )


def _passed_on(stat_prefix: str, passage: Passage) -> pb.FilterChain:
    cluster = names.cluster(passage.service, names.TCP)
    hashes = [pb.HashPolicy(source_ip=pb.HashPolicy.SourceIp())] if passage.by_source else []
    chain = tcp_chain(stat_prefix, cluster, passage.idle, attempts=passage.attempts, hashes=hashes)
    if passage.names:
        chain.name = passage.service
        chain.filter_chain_match.server_names.extend(passage.names)
    return chain


def _inspectors(passages: Iterable[Passage]) -> list[pb.ListenerFilter]:
    """What reads the name that a client asks for, where it is asked."""
    if not any(passage.names for passage in passages):
        return []
    return [pb.ListenerFilter(name=_TLS_INSPECTOR, typed_config=pb.pack(pb.TlsInspector()))]


def tcp_chain(
    stat_prefix: str,
    cluster: str,
    idle: Duration | Off,
    *,
    attempts: int,
    hashes: Sequence[pb.HashPolicy] = (),
) -> pb.FilterChain:
    """All that happens to a connection: its bytes go to a cluster, and back."""
    proxy = pb.TcpProxy(
        hash_policy=hashes,
        stat_prefix=stat_prefix,
        cluster=cluster,
        idle_timeout=pb.limit(idle),
        max_connect_attempts=pb.uint32(attempts),
    )
    return pb.FilterChain(filters=[pb.Filter(name=_TCP, typed_config=pb.pack(proxy))])


def http_chain(manager: pb.HttpConnectionManager) -> pb.FilterChain:
    """All that happens to a connection: HTTP."""
    return pb.FilterChain(filters=[pb.Filter(name=_HTTP, typed_config=pb.pack(manager))])

"""Listeners: a sidecar's way out, a gateway's doors, and API listeners for gRPC. Envoy: config.listener.v3.

May import the mesh's facts. Routes are fetched apart from listeners: a listener that changes drains
its connections, routes do not.
"""

from meshctl import names
from meshctl.envoy import pb

_HTTP = "envoy.filters.network.http_connection_manager"
_ROUTER = "envoy.filters.http.router"


def egress_listener(services: tuple[str, ...], egress: str) -> pb.Listener:
    """Where the services of a sidecar send what they call."""
    name = names.egress(services)
    return pb.Listener(
        name=name,
        address=address(egress),
        filter_chains=[http_chain(connection_manager("egress", name))],
        # A second Envoy on the same port must say so and not share it in silence.
        enable_reuse_port=pb.boolean(value=False),
    )


def gateway_listener(gateway: str, bind: str) -> pb.Listener:
    """One door of a gateway."""
    name = names.gateway_listener(gateway, bind)
    manager = connection_manager(f"gateway/{gateway}", name)
    manager.use_remote_address.CopyFrom(pb.boolean(value=True))
    return pb.Listener(name=name, address=address(bind), filter_chains=[http_chain(manager)])


def api_listener(name: str, service: str) -> pb.Listener:
    """What a gRPC client gets that asks for `xds:///name`."""
    manager = connection_manager(f"api/{service}", names.api_routes(service))
    return pb.Listener(name=name, api_listener=pb.ApiListener(api_listener=pb.pack(manager)))


def address(bind: str) -> pb.Address:
    """An address and a port as people write them: `127.0.0.1:15001`, `[::1]:80`."""
    host, _, port = bind.rpartition(":")
    return pb.socket(host.removeprefix("[").removesuffix("]"), int(port))


def connection_manager(stat_prefix: str, routes: str) -> pb.HttpConnectionManager:
    """What speaks HTTP on a listener, with routes that it fetches by name."""
    router = pb.HttpFilter(name=_ROUTER, typed_config=pb.pack(pb.Router()))
    return pb.HttpConnectionManager(
        stat_prefix=stat_prefix,
        rds=pb.Rds(config_source=pb.ads(), route_config_name=routes),
        http_filters=[router],
    )


def http_chain(manager: pb.HttpConnectionManager) -> pb.FilterChain:
    """All that happens to a connection: HTTP."""
    return pb.FilterChain(filters=[pb.Filter(name=_HTTP, typed_config=pb.pack(manager))])

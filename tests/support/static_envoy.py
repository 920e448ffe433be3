"""The bootstrap of an Envoy without a control plane: one listener, one cluster."""

import json
from collections.abc import Mapping, Sequence

_FILTERS = "type.googleapis.com/envoy.extensions.filters"


def static_bootstrap(admin_port: int, port: int, backends: Sequence[int]) -> str:
    """HTTP on `port` is shared among the backends' ports, all on 127.0.0.1."""
    endpoints = [{"endpoint": _address(backend)} for backend in backends]
    cluster = {
        "name": "backends",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "backends", "endpoints": [{"lb_endpoints": endpoints}]},
    }
    listener = _address(port) | {"name": "http", "filter_chains": [{"filters": [_manager("backends")]}]}
    return json.dumps(
        {"admin": _address(admin_port), "static_resources": {"listeners": [listener], "clusters": [cluster]}}
    )


def _manager(cluster: str) -> Mapping[str, object]:
    route = {"match": {"prefix": "/"}, "route": {"cluster": cluster}}
    settings = {
        "@type": f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{_FILTERS}.http.router.v3.Router"}},
        ],
    }
    return {"name": "manager", "typed_config": settings}


def _address(port: int) -> dict[str, object]:
    return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}

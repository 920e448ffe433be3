"""A view as a whole Envoy configuration that runs without a control plane.

May import `operations.render`. Works on decoded resources: each is what a node gets, but what it would
fetch stands where it would have named it.
"""

from collections.abc import Mapping
from typing import cast

from meshctl.envoy.bootstrap import switches
from meshctl.operations.render import Rendered

_Message = dict[str, object]


def static_config(rendered: Rendered, admin_port: int) -> Mapping[str, object]:
    """Clusters with their endpoints, listeners with their routes, and an admin page on loopback."""
    endpoints = {str(one["cluster_name"]): one for one in rendered["eds"]}
    routes = {str(one["name"]): one for one in rendered["rds"]}
    admin = {"socket_address": {"address": "127.0.0.1", "port_value": admin_port}}
    return {
        "admin": {"address": admin},
        "static_resources": {
            "listeners": [_listener(listener, routes) for listener in rendered["lds"]],
            "clusters": [_cluster(cluster, endpoints) for cluster in rendered["cds"]],
        },
        **switches(),
    }


def _cluster(cluster: _Message, endpoints: Mapping[str, _Message]) -> _Message:
    if "eds_cluster_config" not in cluster:
        return cluster
    kept = {key: value for key, value in cluster.items() if key != "eds_cluster_config"}
    return {**kept, "type": "STATIC", "load_assignment": endpoints[str(cluster["name"])]}


def _listener(listener: _Message, routes: Mapping[str, _Message]) -> _Message:
    chains = cast(list[_Message], listener["filter_chains"])
    return {**listener, "filter_chains": [_chain(chain, routes) for chain in chains]}


def _chain(chain: _Message, routes: Mapping[str, _Message]) -> _Message:
    filters = cast(list[_Message], chain["filters"])
    return {**chain, "filters": [_filter(one, routes) for one in filters]}


def _filter(one: _Message, routes: Mapping[str, _Message]) -> _Message:
    manager = cast(_Message, one["typed_config"])
    if "rds" not in manager:
        return one
    rds = cast(_Message, manager["rds"])
    kept = {key: value for key, value in manager.items() if key != "rds"}
    return {**one, "typed_config": {**kept, "route_config": routes[str(rds["route_config_name"])]}}

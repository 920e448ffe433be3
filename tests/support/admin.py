"""What a real Envoy holds, read from its admin API's config dump."""

from collections.abc import Iterator, Mapping
from typing import Any

from meshctl.verify.processes import Envoy


async def clusters(envoy: Envoy) -> set[str]:
    """The names of its active clusters that came over xDS."""
    return {
        entry["cluster"]["name"]
        for dump in await _dumps(envoy, "ClustersConfigDump")
        for entry in dump.get("dynamic_active_clusters", ())
    }


async def endpoints(envoy: Envoy, cluster: str) -> set[int]:
    """The ports of a cluster's endpoints."""
    return {
        endpoint["endpoint"]["address"]["socket_address"]["port_value"]
        for dump in await _dumps(envoy, "EndpointsConfigDump")
        for entry in dump.get("dynamic_endpoint_configs", ())
        if entry["endpoint_config"].get("cluster_name") == cluster
        for locality in entry["endpoint_config"].get("endpoints", ())
        for endpoint in locality.get("lb_endpoints", ())
    }


async def shares(envoy: Envoy, service: str) -> Mapping[str, int]:
    """Percent of a service's requests by version, in the first route that leads to one; empty: no route."""
    for route in await routes(envoy):
        action = route.get("route", {})
        weighted = action.get("weighted_clusters", {}).get("clusters", ())
        weights = {one["name"]: one.get("weight", 0) for one in weighted} or {action.get("cluster", ""): 1}
        whole = sum(weights.values())
        if all(name.startswith(f"{service}/") for name in weights) and whole:
            return {name.partition("/")[2]: round(100 * weight / whole) for name, weight in weights.items()}
    return {}


async def routes(envoy: Envoy) -> list[Mapping[str, Any]]:
    """All routes that came over RDS, in the order in which they are tried."""
    return list(_routes(await _dumps(envoy, "RoutesConfigDump")))


async def route_versions(envoy: Envoy) -> Mapping[str, str]:
    """The version of each route configuration that came over RDS."""
    return {
        entry["route_config"]["name"]: entry["version_info"]
        for dump in await _dumps(envoy, "RoutesConfigDump")
        for entry in dump.get("dynamic_route_configs", ())
    }


def _routes(dumps: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for dump in dumps:
        for entry in dump.get("dynamic_route_configs", ()):
            for host in entry["route_config"].get("virtual_hosts", ()):
                yield from host.get("routes", ())


async def _dumps(envoy: Envoy, kind: str) -> list[Mapping[str, Any]]:
    dump: Any = await envoy.config_dump()
    return [one for one in dump["configs"] if one["@type"].endswith(f".{kind}")]

"""What a real Envoy holds, read from its admin API's config dump."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from meshctl.verify.processes import Envoy


async def clusters(envoy: Envoy) -> set[str]:
    """The names of its active clusters that came over xDS."""
    return {
        entry["cluster"]["name"]
        for dump in await _dumps(envoy, "ClustersConfigDump")
        for entry in dump.get("dynamic_active_clusters", ())
    }


async def cluster_versions(envoy: Envoy) -> dict[str, str]:
    """Its active clusters with the version of the answer that brought each; by delta its own version."""
    return {
        entry["cluster"]["name"]: entry["version_info"]
        for dump in await _dumps(envoy, "ClustersConfigDump")
        for entry in dump.get("dynamic_active_clusters", ())
    }


async def cluster_messages(envoy: Envoy) -> dict[str, Mapping[str, Any]]:
    """Its active clusters as they came over xDS, without the type that Envoy puts on top."""
    return {
        entry["cluster"]["name"]: {key: value for key, value in entry["cluster"].items() if key != "@type"}
        for dump in await _dumps(envoy, "ClustersConfigDump")
        for entry in dump.get("dynamic_active_clusters", ())
    }


async def connect_timeout(envoy: Envoy, cluster: str) -> str:
    """The connect timeout of an active cluster; empty where there is none of that name."""
    found = [
        entry["cluster"]["connect_timeout"]
        for dump in await _dumps(envoy, "ClustersConfigDump")
        for entry in dump.get("dynamic_active_clusters", ())
        if entry["cluster"]["name"] == cluster
    ]
    return found[0] if found else ""


async def shares(envoy: Envoy, service: str) -> Mapping[str, int]:
    """Percent of a service's requests by version, in the first route that leads to one; empty: no route."""
    for route in _routes(await _dumps(envoy, "RoutesConfigDump")):
        action = route.get("route", {})
        weighted = action.get("weighted_clusters", {}).get("clusters", ())
        weights = {one["name"]: one.get("weight", 0) for one in weighted} or {action.get("cluster", ""): 1}
        whole = sum(weights.values())
        if all(name.startswith(f"{service}/") for name in weights) and whole:
            return {name.partition("/")[2]: round(100 * weight / whole) for name, weight in weights.items()}
    return {}


async def route_timeout(envoy: Envoy, service: str) -> str:
    """The request timeout of the first route that leads to a service; empty where there is none."""
    for route in _routes(await _dumps(envoy, "RoutesConfigDump")):
        action = route.get("route", {})
        weighted = action.get("weighted_clusters", {}).get("clusters", ())
        if any(one.startswith(f"{service}/") for one in (action.get("cluster", ""), *_names(weighted))):
            return str(action["timeout"])
    return ""


def _names(weighted: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (one["name"] for one in weighted)


async def endpoints(envoy: Envoy, cluster: str) -> int:
    """How many endpoints a cluster has."""
    return sum((await envoy.stats(rf"^cluster\.{cluster}\.membership_total$")).values())


def _routes(dumps: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for dump in dumps:
        for entry in dump.get("dynamic_route_configs", ()):
            for host in entry["route_config"].get("virtual_hosts", ()):
                yield from host.get("routes", ())


async def held(envoy: Envoy) -> Mapping[str, str]:
    """The version of each cluster, listener and route table that came over xDS, by kind and name."""
    dump: Any = await envoy.config_dump()
    found: dict[str, str] = {}
    for kind in dump["configs"]:
        for entry in kind.get("dynamic_active_clusters", ()):
            found[f"cluster {entry['cluster']['name']}"] = entry["version_info"]
        for entry in kind.get("dynamic_listeners", ()):
            found[f"listener {entry['name']}"] = entry["active_state"]["version_info"]
        for entry in kind.get("dynamic_route_configs", ()):
            found[f"routes {entry['route_config']['name']}"] = entry["version_info"]
    return found


async def applied(envoy: Envoy) -> Mapping[str, int]:
    """How often it made, changed or dropped a cluster, a listener, a route table or endpoints."""
    made = r"^(cluster_manager|listener_manager)\..*(added|created|modified|removed|in_place_updated)$"
    return await envoy.stats(rf"{made}|\.config_reload$|^cluster\..*\.(membership_change|update_empty)$")


async def _dumps(envoy: Envoy, kind: str) -> list[Mapping[str, Any]]:
    dump: Any = await envoy.config_dump()
    return [one for one in dump["configs"] if one["@type"].endswith(f".{kind}")]

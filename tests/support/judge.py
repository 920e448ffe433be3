"""What an Envoy says of resources that stand in its own file: there it refuses all that it does not know.

Over xDS it would ignore a field that it does not know, so nobody would notice.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict

from meshctl.envoy import pb
from meshctl.envoy.bootstrap import Identity, bootstrap
from meshctl.envoy.decode import decode
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Role
from meshctl.snapshot import Resource

_FILTERS = "type.googleapis.com/envoy.extensions.filters"
_IDENTITY = Identity(Role.SIDECAR, ("web",), "web@judge")


def verdict(program: str, resources: Sequence[Resource], folder: Path) -> str:
    """Envoy's words on the resources of one view; "" if it takes them all, exactly as they are sent."""
    config = folder / "judged.json"
    config.write_text(json.dumps(_config(resources)), encoding="utf-8")
    return said(program, config)


def said(program: str, config: Path) -> str:
    """What an Envoy says against a configuration file; "" if it takes it."""
    command = (program, "--mode", "validate", "--config-path", str(config), "--log-level", "error")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()


def _config(resources: Sequence[Resource]) -> Mapping[str, object]:
    """A bootstrap with the resources in it; endpoints and routes stand in something that they fit into."""
    found = [(resource.key.type, _whole(resource)) for resource in resources]
    clusters = [one for kind, one in found if kind == CLUSTER]
    clusters += [_around_endpoints(one) for kind, one in found if kind == ENDPOINTS]
    listeners = [one for kind, one in found if kind == LISTENER]
    listeners += _around_routes(one for kind, one in found if kind == ROUTES)
    own: Any = bootstrap(_IDENTITY, "127.0.0.1:1")
    clusters += own["static_resources"]["clusters"]
    return {**own, "static_resources": {"clusters": clusters, "listeners": listeners}}


def _whole(resource: Resource) -> dict[str, object]:
    """The resource as JSON, which leaves nothing out, such as a field that only its bytes hold."""
    shown = decode(resource.key.type, resource.body)
    kinds = (pb.Cluster, pb.ClusterLoadAssignment, pb.Listener, pb.RouteConfiguration)
    kind = next(one for one in kinds if resource.key.type.endswith(f"/{one.DESCRIPTOR.full_name}"))
    assert ParseDict(shown, kind()) == kind.FromString(resource.body)
    return shown


def _around_endpoints(assignment: Mapping[str, object]) -> dict[str, object]:
    name = f"endpoints of {assignment['cluster_name']}"
    return {"name": name, "type": "STATIC", "load_assignment": assignment}


def _around_routes(found: Iterator[dict[str, object]]) -> Iterator[dict[str, object]]:
    router = {"name": "router", "typed_config": {"@type": f"{_FILTERS}.http.router.v3.Router"}}
    kind = f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager"
    for number, routes in enumerate(found, start=1):
        settings = {"stat_prefix": "x", "route_config": routes, "http_filters": [router]}
        manager = {"name": "manager", "typed_config": {"@type": kind, **settings}}
        at = {"socket_address": {"address": "127.0.0.1", "port_value": number}}
        yield {"name": f"routes {number}", "address": at, "filter_chains": [{"filters": [manager]}]}

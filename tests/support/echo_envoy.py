"""An Envoy as an endpoint: it answers each request itself, and says how it came."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from meshctl.verify.ports import free_ports
from meshctl.verify.processes import Envoy

_MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


@asynccontextmanager
async def echo_envoy(folder: Path) -> AsyncIterator[int]:
    """Its port on 127.0.0.1. Its header `x-protocol` is HTTP/1.1 or HTTP/2, whichever the client spoke."""
    admin_port, port = free_ports(2)
    async with await Envoy.run("echo", _bootstrap(admin_port, port), admin_port, folder) as envoy:
        await envoy.wait_ready()
        yield port


def _bootstrap(admin_port: int, port: int) -> str:
    answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "echo"}}}
    said = {"header": {"key": "x-protocol", "value": "%PROTOCOL%"}}
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "echo",
        "codec_type": "AUTO",
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [answer]}],
            "response_headers_to_add": [said],
        },
        "http_filters": [{"name": "router", "typed_config": {"@type": _ROUTER}}],
    }
    chain = {"filters": [{"name": "manager", "typed_config": manager}]}
    listener = {**_address(port), "name": "echo", "filter_chains": [chain]}
    return json.dumps({"admin": _address(admin_port), "static_resources": {"listeners": [listener]}})


def _address(port: int) -> dict[str, object]:
    return {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}

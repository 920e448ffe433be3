"""API listeners, for gRPC's own client.

May import the mesh, envoy and snapshot.
"""

from typing import Any, NamedTuple

from meshctl import names
from meshctl.envoy import listener, routes
from meshctl.envoy.match import grpc_paths
from meshctl.graph import Look, Rule
from meshctl.mesh.interface import INTERFACE
from meshctl.names import LISTENER, ROUTES, Ref, ResourceKey
from meshctl.snapshot.encode import encode, encode_part
from meshctl.snapshot.resource import Resource


def _api_routes(look: Look, name: str) -> Resource | None:
    interface = look(INTERFACE, name)
    if interface is None:
        return None
    needs = list(routes.clusters_of(interface.routes))
    part = encode_part(name, routes.service_host(routes.without_sessions(interface), grpc_paths), needs)
    return encode(ResourceKey(ROUTES, names.api_routes(name)), routes.api_routes(name), parts=[part])


class Api(NamedTuple):
    """A name by which gRPC clients ask for a service."""

    service: str
    name: str


def _api_listener(_look: Look, key: Api) -> Resource | None:
    message = listener.api_listener(key.name, key.service)
    needs = [Ref(ROUTES, names.api_routes(key.service))]
    return encode(ResourceKey(LISTENER, key.name), message, needs=needs, by_name=True)


API_ROUTES: Rule[str, Resource | None] = Rule("api routes", 9, _api_routes)
API_LISTENER: Rule[Api, Resource | None] = Rule("api listener", 9, _api_listener)

RULES: tuple[Rule[Any, Resource | None], ...] = (API_ROUTES, API_LISTENER)
"""Whose cells are resources."""

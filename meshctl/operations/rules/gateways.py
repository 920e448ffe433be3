"""The doors of a gateway.

May import the mesh, envoy and snapshot, and its neighbours.
"""

from typing import Any, NamedTuple

from meshctl import names
from meshctl.envoy import listener, routes
from meshctl.graph import Look, Rule
from meshctl.mesh.gateway import GATEWAY
from meshctl.names import LISTENER, ROUTES, Ref, ResourceKey
from meshctl.operations.rules.hosts import GATEWAY_HOST
from meshctl.operations.rules.versions import passed_on
from meshctl.snapshot.encode import encode
from meshctl.snapshot.resource import Resource


class Door(NamedTuple):
    """One address that a gateway listens on."""

    gateway: str
    bind: str


def _gateway_routes(look: Look, key: Door) -> Resource | None:
    facts = look(GATEWAY, key.gateway)
    if facts is None or key.bind not in facts.binds:
        return None
    parts = [look(GATEWAY_HOST, host) for host in facts.hosts]
    return encode(ResourceKey(ROUTES, names.gateway_listener(*key)), routes.gateway_routes(*key), parts=parts)


def _gateway_listener(look: Look, key: Door) -> Resource | None:
    facts = look(GATEWAY, key.gateway)
    passages = dict(facts.passages).get(key.bind, ()) if facts else ()
    name = names.gateway_listener(*key)
    if passages:
        message = listener.gateway_passages(*key, passages)
        needs = [passed_on(passage.service) for passage in passages]
        return encode(ResourceKey(LISTENER, name), message, needs=needs, address=key.bind)
    if facts is None or key.bind not in facts.binds:
        return None
    message = listener.gateway_listener(*key)
    return encode(ResourceKey(LISTENER, name), message, needs=[Ref(ROUTES, name)], address=key.bind)


GATEWAY_ROUTES: Rule[Door, Resource | None] = Rule("gateway routes", 9, _gateway_routes)
GATEWAY_LISTENER: Rule[Door, Resource | None] = Rule("gateway listener", 9, _gateway_listener)

RULES: tuple[Rule[Any, Resource | None], ...] = (GATEWAY_ROUTES, GATEWAY_LISTENER)
"""Whose cells are resources."""

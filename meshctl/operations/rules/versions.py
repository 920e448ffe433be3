"""Versions of services as their callers have them: a cluster, and its endpoints.

May import the mesh, envoy and snapshot, and its neighbours.
"""

from typing import Any, NamedTuple

from meshctl import names
from meshctl.envoy import cluster, endpoints
from meshctl.envoy.cluster import Caller
from meshctl.graph import Look, Rule
from meshctl.mesh.own import OWN
from meshctl.names import CLUSTER, ENDPOINTS, Ref, ResourceKey
from meshctl.operations.rules.recipe import Recipe
from meshctl.snapshot.encode import encode
from meshctl.snapshot.resource import Resource

Version = tuple[str, str]
"""A service and one of its versions."""


class Called(NamedTuple):
    """A version as its callers have it, some of them not as all others do."""

    service: str
    version: str
    caller: Caller = Caller.ANY


def _cluster(look: Look, key: Called) -> Resource | None:
    own = look(OWN, key.service)
    version = own.version(key.version) if own else None
    if own is None or version is None:
        return None
    at = ResourceKey(CLUSTER, names.cluster(key.service, key.version), key.caller.value)
    return encode(at, cluster.cluster(key.service, version, own.protocol, own.settings, key.caller))


def _assignment(look: Look, key: Version) -> Resource | None:
    own = look(OWN, key[0])
    version = own.version(key[1]) if own else None
    if version is None or version.dns:
        return None
    message = endpoints.load_assignment(key[0], version)
    return encode(ResourceKey(ENDPOINTS, names.cluster(*key)), message, empty=not version.endpoints)


def passed_on(service: str) -> Ref:
    """The cluster of a service whose connections are passed on."""
    return Ref(CLUSTER, names.cluster(service, names.TCP))


CLUSTERS: Rule[Called, Resource | None] = Rule("cluster", 8, _cluster)
ASSIGNMENTS: Rule[Version, Resource | None] = Rule("load assignment", 8, _assignment)

RULES: tuple[Rule[Any, Resource | None], ...] = (CLUSTERS, ASSIGNMENTS)
"""Whose cells are resources."""


def cluster_recipe(called: Called) -> Recipe:
    """The cluster of a version."""
    name = names.cluster(called.service, called.version)
    return Recipe(ResourceKey(CLUSTER, name, called.caller.value), CLUSTERS, called)


def assignment_recipe(service: str, version: str) -> Recipe:
    """The endpoints of a version that are not looked up by name."""
    return Recipe(ResourceKey(ENDPOINTS, names.cluster(service, version)), ASSIGNMENTS, (service, version))

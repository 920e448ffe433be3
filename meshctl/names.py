"""One spelling of every name on the wire: type URLs, resource keys, clusters, listeners, routes, views.

Imports nothing of meshctl. Names are unique per type within a view; renaming one later rebuilds
connection pools and breaks dashboards, so nobody else builds or takes apart such a name.
"""

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple, NewType

TypeUrl = NewType("TypeUrl", str)

TCP = "tcp"
"""Stands for the version in the one cluster of a service whose connections are passed on: `mysql/tcp`."""

_PREFIX = "type.googleapis.com/envoy."
CLUSTER = TypeUrl(_PREFIX + "config.cluster.v3.Cluster")
ENDPOINTS = TypeUrl(_PREFIX + "config.endpoint.v3.ClusterLoadAssignment")
LISTENER = TypeUrl(_PREFIX + "config.listener.v3.Listener")
ROUTES = TypeUrl(_PREFIX + "config.route.v3.RouteConfiguration")

SHORT_NAMES: Mapping[str, TypeUrl] = {"cds": CLUSTER, "eds": ENDPOINTS, "lds": LISTENER, "rds": ROUTES}
"""The types by the names that people use, in the order in which commands show them."""

_INBOUND = "inbound"
RESERVED_NAMES = frozenset({_INBOUND})
"""Names that no service or gateway may have: `inbound/…` is the process beside a sidecar."""

NAME = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
"""What a service, a gateway or a team may be named, but for the reserved names."""
VERSION = r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?"
"""What a version of a service may be named."""
_NAME = re.compile(NAME)
_VERSION = re.compile(VERSION)


class Ref(NamedTuple):
    """A resource as the wire names it: its type and its name, unique within a view."""

    type: TypeUrl
    name: str


class ResourceKey(NamedTuple):
    """A resource as a snapshot names it.

    `variant` tells resources of one name apart that differ by view: the newest Envoy minor that it is for,
    a node's own egress address, or the role of the nodes. Empty where all others share one.
    """

    type: TypeUrl
    name: str
    variant: str = ""

    @property
    def ref(self) -> Ref:
        """The same resource as the wire names it."""
        return Ref(self.type, self.name)


def is_name(text: str) -> bool:
    """Whether `text` may name a service, a gateway or a team."""
    return _NAME.fullmatch(text) is not None and text not in RESERVED_NAMES


def is_version(text: str) -> bool:
    """Whether `text` may name a version of a service."""
    return _VERSION.fullmatch(text) is not None


NEVER_SENT = "x-mesh-never-sent"
"""The header of answers in which a sidecar says that the process beside it never saw the request."""


def cluster(service: str, version: str) -> str:
    """The cluster of one version, and its load assignment: `voice/v1`."""
    return f"{service}/{version}"


def parse_cluster(name: str) -> tuple[str, str] | None:
    """Service and version of a cluster's name; None for the process beside a sidecar.

    Raises ValueError for a name of another form.
    """
    service, slash, version = name.partition("/")
    if not slash or not version:
        raise ValueError(f"{name!r} is not a cluster of a version")
    return None if service == _INBOUND else (service, version)


def inbound(service: str) -> str:
    """The cluster of the process beside a sidecar: `inbound/voice`."""
    return f"{_INBOUND}/{service}"


def ingress(service: str) -> str:
    """The listener, and the routes, by which a service's own sidecar takes its requests: `ingress/voice`."""
    return f"ingress/{service}"


def egress(services: Iterable[str]) -> str:
    """The listener, and the routes, by which a sidecar's services call others: `egress/sync+web`."""
    return f"egress/{joined(services)}"


def egress_tcp(service: str) -> str:
    """The listener of callers from which connections are passed on to a service: `egress/tcp/mysql`."""
    return f"egress/tcp/{service}"


def egress_http(service: str) -> str:
    """The listener of callers, and its routes, whose requests all go to one service: `egress/http/voice`."""
    return f"egress/http/{service}"


def gateway_listener(gateway: str, bind: str) -> str:
    """A gateway's listener, and its routes: `gateway/edge/0.0.0.0:443`."""
    return f"gateway/{gateway}/{bind}"


def api_routes(service: str) -> str:
    """The routes behind the API listeners of a service, for gRPC clients: `api/voice`."""
    return f"api/{service}"


def joined(services: Iterable[str]) -> str:
    """Several services of one sidecar as one word: `sync+web`, sorted."""
    return "+".join(sorted(services))


class Role(Enum):
    """What a node is for."""

    SIDECAR = "sidecar"
    GATEWAY = "gateway"


class ViewKey(NamedTuple):
    """What chooses a node's view: never its id.

    `targets` are the services of a sidecar, sorted, or the one gateway. `client` is Envoy's minor release
    ("1.40"), or "grpc". `egress` is the address of the node's own egress listener, `ingress` the IP address
    that its ingress listeners have in place of all, where it has one of its own.
    """

    role: Role
    targets: tuple[str, ...]
    client: str
    egress: str = ""
    ingress: str = ""

    @property
    def name(self) -> str:
        """The view's name: `sidecar/web@1.40`, `gateway/edge@1.40`, `sidecar/web@1.40@127.0.0.1:15101`.

        With an ingress of its own `sidecar/web@1.40@127.0.0.1:15101@10.0.1.10`, or `sidecar/web@1.40@@::1`.
        """
        own = f"@{self.egress}@{self.ingress}".rstrip("@")
        return f"{self.role.value}/{joined(self.targets)}@{self.client}{own}"

    @classmethod
    def parse(cls, name: str) -> "ViewKey":
        """The key of a view's name. Raises ValueError for a name of another form."""
        role, slash, rest = name.partition("/")
        targets, at, version = rest.partition("@")
        client, _, own = version.partition("@")
        egress, _, ingress = own.partition("@")
        if not slash or not at or not targets:
            raise ValueError(f"{name!r} is not the name of a view")
        return cls(Role(role), tuple(targets.split("+")), client, egress, ingress)

"""Facts: what the mesh knows of each service and gateway when every default is applied and every name bound.

May import the catalog. Frozen values, compared to stop a change early: an origin says which key a fact
comes from and takes no part in equality, nor does it hold a line number.
"""

from dataclasses import dataclass, field

from meshctl.catalog.keys.by import By, Part
from meshctl.catalog.keys.protocol import Protocol
from meshctl.catalog.keys.respond import Respond
from meshctl.mesh.match import RequestMatch
from meshctl.mesh.settings import Settings
from meshctl.problems import Place
from meshctl.units import Duration, Off


@dataclass(frozen=True, slots=True)
class Weight:
    """A cluster and its part of the traffic; the parts of one route are compared with their sum."""

    service: str
    version: str
    weight: int


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and on which of Envoy's conditions (`retry_on`), a request is tried again.

    `host_attempts`: how often an endpoint that has not failed yet is looked for. `marked`: the service's own
    sidecars answer for the process beside them, and mark what it never saw.
    """

    attempts: int
    conditions: str
    host_attempts: int
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for a whole answer, and for its next byte.

    `deadlines`: whether a call that names its own deadline is ended then.
    """

    request: Duration | Off
    idle: Duration | Off
    deadlines: bool


@dataclass(frozen=True, slots=True)
class Action:
    """What happens to a request: it goes to `split`, or is answered by `respond`; exactly one is given.

    What goes to `split` has `patience` and `retries` by the time that it is compiled, and `hashed_by` where
    the same endpoint answers what has that in common; `session` says where clients say who answered first.
    """

    split: tuple[Weight, ...] = ()
    respond: Respond | None = None
    patience: Patience | None = None
    retries: Retries | None = None
    hashed_by: By | None = None
    session: By | None = None


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """One route: the first of a list whose match holds decides."""

    match: RequestMatch
    action: Action
    origin: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """An endpoint: its IP address, its port, and its share, compared with those of the others."""

    address: str
    port: int
    weight: int
    origin: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class DnsFacts:
    """A host name whose addresses are the endpoints of a version, and their port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """One version: its endpoints, or the name by which its callers look for them."""

    name: str
    endpoints: tuple[EndpointFacts, ...]
    dns: DnsFacts | None
    origin: Place = field(compare=False)

    @property
    def able(self) -> bool:
        """Whether it may have an endpoint."""
        return bool(self.endpoints) or self.dns is not None


@dataclass(frozen=True, slots=True)
class Ingress:
    """Where a service's own sidecar takes its requests, and the port of the process on loopback.

    `address`: all addresses of its machine, of IPv4 alone unless an endpoint has another.
    """

    address: str
    port: int
    target_port: int
    protocol: Protocol


@dataclass(frozen=True, slots=True)
class ServiceOwn:
    """What one service says of itself, defaults applied; nothing of other services."""

    name: str
    file: str
    domains: tuple[str, ...]
    protocol: Protocol
    ingress: Ingress | None
    egress_port: int | None
    versions: tuple[VersionFacts, ...]
    split: tuple[Weight, ...]
    routes: tuple[RouteFacts, ...]
    settings: Settings
    session: By | None

    def version(self, name: str) -> VersionFacts | None:
        """The version of this name, or None."""
        return next((version for version in self.versions if version.name == name), None)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of all its endpoints, each once."""
        return tuple(dict.fromkeys(one.address for version in self.versions for one in version.endpoints))


@dataclass(frozen=True, slots=True)
class Passage:
    """Where connections are passed on as they are: to one service, which is tried so often for each.

    `names`: those that clients ask for in TLS, or none: whatever they ask for. `by_source`: whether
    connections of one address go to the same endpoint.
    """

    service: str
    idle: Duration | Off
    attempts: int
    names: tuple[str, ...]
    by_source: bool


@dataclass(frozen=True, slots=True)
class ServiceInterface:
    """What callers need of a service: never its endpoints. The last route takes every request.

    `gateways_ask`: whether gateways alone ask how its endpoints are.
    `by_name`: the versions whose endpoints callers look up themselves.
    """

    name: str
    protocol: Protocol
    egress_port: int | None
    domains: tuple[str, ...]
    versions: tuple[str, ...]
    by_name: frozenset[str]
    split: tuple[Weight, ...]
    routes: tuple[RouteFacts, ...]
    gateways_ask: bool
    patience: Patience
    retries: Retries
    hashed_by: By | None
    session: By | None

    @property
    def passage(self) -> Passage:
        """How connections to it are passed on."""
        by_source = self.hashed_by is not None and self.hashed_by.part is Part.SOURCE
        names = self.domains if self.protocol.has_names else ()
        return Passage(self.name, self.patience.idle, self.retries.attempts + 1, names, by_source)


@dataclass(frozen=True, slots=True)
class Calls:
    """What a service's sidecar may see and call, sorted by name."""

    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GatewayHost:
    """The routes of one or more domains of a gateway."""

    domains: tuple[str, ...]
    routes: tuple[RouteFacts, ...]


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """A gateway: the addresses that it listens on, the routes by host, and the services behind them.

    `binds` are for requests; `passages` are for connections, by their address.
    """

    name: str
    binds: tuple[str, ...]
    passages: tuple[tuple[str, tuple[Passage, ...]], ...]
    hosts: tuple[GatewayHost, ...]
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeshFacts:
    """What holds for all: where sidecars listen for outgoing calls."""

    egress: str

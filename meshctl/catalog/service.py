"""`service`: one service, its versions, and how its requests go.

Imports `catalog.inherited`, `catalog.key`, the keys, `catalog.problems` and `catalog.scalars`.
"""

from collections.abc import Container, Iterator, Mapping

from meshctl.catalog.inherited import Inherited
from meshctl.catalog.key import Checks, Entry, field, required, run
from meshctl.catalog.keys.address import Address
from meshctl.catalog.keys.affinity import Affinity
from meshctl.catalog.keys.endpoint import EVEN, Endpoint
from meshctl.catalog.keys.endpoints import NONE, DnsName, Endpoints
from meshctl.catalog.keys.expose import Expose
from meshctl.catalog.keys.names import Host, Name, VersionName
from meshctl.catalog.keys.protocol import Protocol, ProtocolKey
from meshctl.catalog.keys.route import Route, unreachable
from meshctl.catalog.keys.serving import Serving
from meshctl.catalog.keys.to import Weighted
from meshctl.catalog.keys.versions import Version
from meshctl.catalog.problems import (
    EXCLUSIVE,
    LISTED_TWICE,
    MISSING_KEY,
    NOT_OF_PROTOCOL,
    NOTHING_SAID,
    OWN_NAME,
    UNKNOWN_VERSION,
    WRONG_TARGET,
    Mistake,
    near,
    shown,
)
from meshctl.catalog.scalars import Port, Words, twice
from meshctl.catalog.suits import no_requests, unsuited
from meshctl.problems import KeyPath

FIRST_VERSION = "v1"
"""The version that `endpoints` without `versions` means."""


class Service(Inherited, Entry):
    """One service of a team."""

    service: Name = required(
        doc="The service's name, the same as the file's.",
        example="voice",
        codes=["MSH0110", "MSH0311", "MSH0312"],
    )
    description: Words | None = field(doc="What it is, for people.", example="Programmable Voice API")
    protocol: ProtocolKey | None = field(doc="What it speaks; without the key: http.", example="http")
    port: Port = required(doc="Where it is reached.", example="8080", codes=["MSH0315"])
    target_port: Port | None = field(
        doc="Where the process itself listens on 127.0.0.1; its own sidecar then takes the requests on port, "
        "and hands them over.",
        example="9080",
        envoy=[
            "config.listener.v3.Listener.address",
            "config.cluster.v3.Cluster.load_assignment",
            "config.route.v3.RetryPolicy.retriable_headers",
        ],
        codes=["MSH0212", "MSH0315"],
    )
    egress_port: Port | None = field(
        doc="Where the sidecars of callers listen for it, on loopback: whatever comes there goes to it."
        " Needed where connections are passed on as they are.",
        example="13306",
        envoy=["config.listener.v3.Listener.address"],
    )
    endpoints: Endpoints | None = field(
        doc="Where its only version is reached.",
        example="[10.0.1.10, 10.0.1.11]",
        envoy=["config.endpoint.v3.ClusterLoadAssignment.endpoints"],
        codes=["MSH0212", "MSH0215"],
    )
    versions: Mapping[VersionName, Version] | None = field(
        doc="Its versions, each with its endpoints.",
        example="{v1: {endpoints: [10.0.1.10]}}",
        codes=["MSH0221"],
    )
    serving: Serving | None = field(
        doc="The version that gets the requests, or shares of several.",
        example="{v1: 90%, v2: 10%}",
        envoy=["config.route.v3.RouteAction.cluster", "config.route.v3.RouteAction.weighted_clusters"],
        codes=["MSH0214"],
    )
    affinity: Affinity | None = field(
        doc="Who stays on the endpoint that answered first.",
        example="{by: {cookie: SRV}}",
        codes=["MSH0222"],
    )
    uses: tuple[Name, ...] = field(
        doc="The services that it calls; no others are known to its sidecars.",
        example="[accounts]",
        default=(),
        codes=["MSH0215", "MSH0216", "MSH0301", "MSH0315"],
    )
    aliases: tuple[Host, ...] = field(
        doc="Names besides its own by which callers reach it.",
        example="[voice.internal]",
        default=(),
        envoy=["config.route.v3.VirtualHost.domains"],
        codes=["MSH0215", "MSH0222", "MSH0312"],
    )
    routes: tuple[Route, ...] = field(
        doc="Requests that go elsewhere than to the serving version; the first match wins.",
        example="[{match: {path: /ping}, respond: {status: 200}}]",
        default=(),
        envoy=["config.route.v3.VirtualHost.routes"],
        codes=["MSH0212", "MSH0217", "MSH0222"],
    )
    expose: tuple[Expose, ...] = field(
        doc="What it offers at gateways.",
        example="[{on: edge, host: api.example.com}]",
        default=(),
        codes=["MSH0222", "MSH0314", "MSH0321"],
    )

    def mistakes(self, broken: Container[str]) -> Iterator[Mistake]:
        """What does not fit together in this service."""
        yield from run(_CHECKS, self, broken)

    @property
    def version_names(self) -> tuple[str, ...]:
        """The names of its versions; `v1` where it has endpoints of its own."""
        return (FIRST_VERSION,) if self.versions is None else tuple(self.versions)


def _endpoints_or_versions(service: Service) -> Iterator[Mistake]:
    if service.endpoints is None and service.versions is None:
        message = "the service has no endpoints"
        yield Mistake(MISSING_KEY, message, "add endpoints: [10.0.1.10], or versions")
    elif service.endpoints is not None and service.versions is not None:
        message = "the service has both endpoints and versions"
        fix = "write the endpoints into one of the versions"
        yield Mistake(EXCLUSIVE, message, fix, ("endpoints",), on_key=True, also=(("versions",),))
    elif service.versions is not None and not service.versions:
        message = "there is no version here"
        yield Mistake(NOTHING_SAID, message, "write v1: {endpoints: [10.0.1.10]}", ("versions",))
    yield from (service.endpoints or NONE).listed_twice()


def _weights(service: Service) -> Iterator[Mistake]:
    """Weights where chance decides: Envoy does not ask for them then."""
    balancing = service.load_balancing
    if balancing is None or balancing.policy is None or balancing.policy.weighs:
        return
    for path, endpoint in _endpoints(service):
        if endpoint.weight != EVEN:
            message = f"{balancing.policy.value} gives all endpoints as much, whatever their weight"
            fix = "remove weight, or write policy: least_request"
            yield Mistake(NOTHING_SAID, message, fix, (*path, "weight"), on_key=True)


def _one_port(service: Service) -> Iterator[Mistake]:
    """Where its sidecar takes its requests, it does so on one port."""
    if service.target_port is None:
        return
    places: list[tuple[KeyPath, Address | DnsName]] = []
    places += [(path, endpoint.place) for path, endpoint in _endpoints(service)]
    places += [((*path, "dns"), found.dns) for path, found in _lists(service) if found.dns]
    for path, place in places:
        if place.port is not None:
            sidecars = f"with target_port sidecars answer on {service.port}"
            message = f"{place} has a port of its own, and {sidecars}"
            fix = f"write {place[0]}, or remove target_port"
            yield Mistake(EXCLUSIVE, message, fix, path, also=(("target_port",),))


def _endpoints(service: Service) -> Iterator[tuple[KeyPath, Endpoint]]:
    for path, found in _lists(service):
        for index, endpoint in enumerate(found.listed):
            yield (*path, index), endpoint


def _lists(service: Service) -> Iterator[tuple[KeyPath, Endpoints]]:
    yield ("endpoints",), service.endpoints or NONE
    for name, version in (service.versions or {}).items():
        yield ("versions", name, "endpoints"), version.endpoints


def _serving(service: Service) -> Iterator[Mistake]:
    names = service.version_names
    if service.serving is None:
        if len(names) > 1:
            message = f"the service has {len(names)} versions, and does not say which one is serving"
            yield Mistake(MISSING_KEY, message, f"add serving: {names[0]}", ("versions",), on_key=True)
        return
    for name in service.serving.weights:
        if name not in names:
            path = ("serving", name) if len(service.serving.weights) > 1 else ("serving",)
            yield _no_version(names, name, path)


def _no_version(names: tuple[str, ...], name: str, path: KeyPath) -> Mistake:
    message = f"the service has no version {shown(name)}"
    fix = f"write {near(name, names) or ' or '.join(names)}"
    return Mistake(UNKNOWN_VERSION, message, fix, path, on_key=len(path) > 1)


def _uses(service: Service) -> Iterator[Mistake]:
    yield from twice(service.uses, "uses")
    if service.service in service.uses:
        message = f"{service.service} is the service itself, which needs no mesh to reach itself"
        yield Mistake(OWN_NAME, message, "remove it", ("uses", service.uses.index(service.service)))


def _aliases(service: Service) -> Iterator[Mistake]:
    yield from twice(service.aliases, "aliases")
    if service.service in service.aliases:
        path = ("aliases", service.aliases.index(service.service))
        message = f"{service.service} is the service's own name already"
        yield Mistake(LISTED_TWICE, message, "remove it", path, also=(("service",),))


def _targets(service: Service) -> Iterator[Mistake]:
    for index, route in enumerate(service.routes):
        destinations = route.to.destinations if route.to else ()
        for destination in destinations:
            path: KeyPath = ("routes", index, "to")
            if len(destinations) > 1:
                path = (*path, str(destination))
            yield from _target(service, destination, path)


def _target(service: Service, to: Weighted, path: KeyPath) -> Iterator[Mistake]:
    names, on_key = service.version_names, len(path) > 3
    if to.service != service.service:
        message = f"{to} is not a version of this service, and its routes lead to its own"
        fix = f"write {service.service}/{to.version if to.version in names else names[0]}"
        yield Mistake(WRONG_TARGET, message, fix, path, on_key)
    elif to.version is None:
        message = f"{to} is the service itself; its routes lead to its versions"
        fix = f"write {to}/{names[0]}, or leave the route out: the rest goes to the serving version"
        yield Mistake(OWN_NAME, message, fix, path, on_key)
    elif to.version not in names:
        versions = " or ".join(f"{to.service}/{name}" for name in names)
        message = f"the service has no version {shown(to.version)}"
        close = near(to.version, names)
        fix = f"write {to.service}/{close}" if close else f"write {versions}"
        yield Mistake(UNKNOWN_VERSION, message, fix, path, on_key)


def _protocol(service: Service) -> Iterator[Mistake]:
    protocol = service.protocol or Protocol.HTTP
    yield from unsuited(protocol, service)
    if protocol.is_tcp and service.egress_port is None:
        message = f"{protocol.value} is passed on as it is, from a port that callers' sidecars have for it"
        yield Mistake(MISSING_KEY, message, f"add egress_port: {service.port}", ("protocol",))
    for key, fix in (
        ("routes", "remove it; serving says which versions get the connections"),
        ("expose", "remove it; a gateway leads to the service with listeners: [{bind: …, tcp: NAME}]"),
        ("aliases", "remove it; callers reach the service by its egress_port"),
        ("affinity", "remove it; load_balancing: {policy: maglev, by: source} keeps callers on an endpoint"),
    ):
        if protocol.is_tcp and getattr(service, key) and not (protocol.has_names and key == "aliases"):
            yield no_requests(protocol, (key,), fix)


def _shared_name(service: Service) -> Iterator[Mistake]:
    """All versions are one cluster where connections are passed on: of addresses, or of one name."""
    weights = service.serving.weights if service.serving else {}
    shared = [name for name, share in weights.items() if share.basis_points]
    protocol = service.protocol or Protocol.HTTP
    for name in shared if protocol.is_tcp and len(shared) > 1 else ():
        version = (service.versions or {}).get(name)
        if version is not None and version.endpoints.dns is not None:
            message = f"{protocol.value} cannot share connections between a name and other versions"
            fix = "write the addresses, or let one version alone be serving"
            yield Mistake(NOT_OF_PROTOCOL, message, fix, ("versions", name, "endpoints", "dns"), on_key=True)


_CHECKS: Checks[Service] = (
    (("protocol", "versions", "serving"), _shared_name),
    (("port", "protocol", "egress_port", *Inherited.model_fields), _protocol),
    (("endpoints", "versions"), _endpoints_or_versions),
    (("endpoints", "versions", "load_balancing"), _weights),
    (("port", "target_port", "endpoints", "versions"), _one_port),
    (("endpoints", "versions", "serving"), _serving),
    (("service", "uses"), _uses),
    (("service", "aliases"), _aliases),
    (("service", "endpoints", "versions", "routes"), _targets),
    (("routes",), lambda service: unreachable(service.routes)),
)

"""Routes: facts to Envoy's virtual hosts and route configurations. Envoy: config.route.v3.

May import the mesh's facts. A virtual host is made once and shared by all who call the service.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from meshctl import names
from meshctl.catalog.keys.by import By, Part
from meshctl.catalog.keys.respond import Respond
from meshctl.envoy import pb
from meshctl.envoy.match import Paths, envoy_paths, route_matches
from meshctl.envoy.sessions import STATEFUL_SESSION, session_of
from meshctl.envoy.since import BODY_FORMAT, knows
from meshctl.mesh.facts import Action, GatewayHost, Retries, RouteFacts, ServiceInterface, Weight
from meshctl.mesh.match import RequestMatch
from meshctl.names import CLUSTER, Ref
from meshctl.problems import Place

_PREVIOUS_HOSTS = "envoy.retry_host_predicates.previous_hosts"
_CONNECT_FAILURE, _RETRIABLE_HEADERS = "connect-failure", "retriable-headers"
_NOWHERE = Place("")
NOT_IN_USES = "not-in-uses"
"""The virtual host of everything that a sidecar's services do not use."""

EGRESS_USES = (BODY_FORMAT,)
"""What a sidecar's routes hold that not every supported Envoy knows."""


def service_host(service: ServiceInterface, paths: Paths = envoy_paths) -> pb.VirtualHost:
    """The virtual host by which callers reach a service."""
    return _virtual_host(service.name, service.domains, service.routes, paths)


def no_requests(service: ServiceInterface) -> pb.VirtualHost:
    """What a sidecar answers for a service that has no requests: 404, and where its connections go."""
    words = f"{service.name} speaks {service.protocol.value}: open connections to port {service.egress_port}"
    answer = RouteFacts(RequestMatch(), Action(respond=Respond(status=404, body=f"{words}\n")), _NOWHERE)
    return _virtual_host(service.name, service.domains, [answer], envoy_paths)


def only_host(service: ServiceInterface) -> pb.VirtualHost:
    """The virtual host of a listener whose requests all go to one service, whatever host they name."""
    return _virtual_host(service.name, ["*"], service.routes, envoy_paths)


def without_sessions(service: ServiceInterface) -> ServiceInterface:
    """The service for who has no filter for them: gRPC's own client."""
    bare = (replace(route, action=replace(route.action, session=None)) for route in service.routes)
    return replace(service, routes=tuple(bare))


def gateway_host(host: GatewayHost) -> pb.VirtualHost:
    """The virtual host of a gateway's domains that share their routes."""
    return _virtual_host(host.domains[0], host.domains, host.routes, envoy_paths)


def unknown_host(variant: str) -> pb.VirtualHost:
    """What a sidecar answers for a host that its services do not use: 404, the host, and what to do.

    Envoys of a variant without `BODY_FORMAT` do not say the host.
    """
    respond = pb.DirectResponseAction(status=404)
    rest = "is not in `uses` of the service that this sidecar serves\n"
    if knows(variant, BODY_FORMAT):
        respond.body_format.text_format_source.inline_string = f"%REQ(:AUTHORITY)% {rest}"
    else:
        respond.body.inline_string = f"this host {rest}"
    route = pb.Route(match=pb.RouteMatch(prefix="/"), direct_response=respond)
    return pb.VirtualHost(name=NOT_IN_USES, domains=["*"], routes=[route])


def egress_routes(services: Sequence[str]) -> pb.RouteConfiguration:
    """The head of a sidecar's routes; the virtual hosts of what it uses follow."""
    # Clients with a proxy setting, and all gRPC clients, send the port with the host.
    return pb.RouteConfiguration(name=names.egress(services), ignore_port_in_host_matching=True)


def egress_port_routes(service: str) -> pb.RouteConfiguration:
    """The head of the routes of a listener whose requests all go to one service."""
    return pb.RouteConfiguration(name=names.egress_http(service))


def gateway_routes(gateway: str, bind: str) -> pb.RouteConfiguration:
    """The head of a gateway listener's routes; the virtual hosts of its sites follow."""
    name = names.gateway_listener(gateway, bind)
    return pb.RouteConfiguration(name=name, ignore_port_in_host_matching=True)


def api_routes(service: str) -> pb.RouteConfiguration:
    """The head of the routes behind a service's API listeners."""
    return pb.RouteConfiguration(name=names.api_routes(service))


def clusters_of(routes: Iterable[RouteFacts]) -> Iterator[Ref]:
    """The clusters that routes name: what a client must have before it is given them."""
    for route in routes:
        for part in route.action.split:
            yield Ref(CLUSTER, names.cluster(part.service, part.version))


def made_of(routes: Iterable[RouteFacts], number: int, paths: Paths = envoy_paths) -> RouteFacts | None:
    """The facts behind the route of this number in their virtual host: one may be several of Envoy's."""
    for route in routes:
        number -= sum(1 for _ in route_matches(route.match, paths))
        if number < 0:
            return route
    return None


def _virtual_host(
    name: str, domains: Sequence[str], routes: Sequence[RouteFacts], paths: Paths
) -> pb.VirtualHost:
    plain = (message for route in routes for message in _routes(route, paths))
    return pb.VirtualHost(name=name, domains=domains, routes=plain)


def _routes(route: RouteFacts, paths: Paths) -> Iterator[pb.Route]:
    for match in route_matches(route.match, paths):
        if route.action.respond is not None:
            yield pb.Route(match=match, direct_response=direct_response(route.action.respond))
        else:
            yield pb.Route(
                match=match,
                route=route_action(route.action),
                typed_per_filter_config=_filters(route.action),
                response_headers_to_remove=_hidden(route.action),
            )


def _hidden(action: Action) -> Sequence[str]:
    """What sidecars tell each other, and nobody else."""
    return (names.NEVER_SENT,) if action.retries is not None and action.retries.marked else ()


def _filters(action: Action) -> Mapping[str, pb.Any]:
    """What the listener's filters do for a route."""
    return {} if action.session is None else {STATEFUL_SESSION: session_of(action.session)}


def direct_response(respond: Respond) -> pb.DirectResponseAction:
    """An answer of the proxy's own. Envoy: config.route.v3.DirectResponseAction."""
    message = pb.DirectResponseAction(status=respond.status)
    if respond.body is not None:
        message.body.inline_string = respond.body
    return message


def route_action(action: Action) -> pb.RouteAction:
    """Where a request goes, for how long, and what is tried again. Envoy: config.route.v3.RouteAction."""
    message = pb.RouteAction()
    if len(action.split) == 1:
        message.cluster = names.cluster(action.split[0].service, action.split[0].version)
    else:
        message.weighted_clusters.CopyFrom(weighted_clusters(action.split))
    if action.patience is not None:
        message.timeout.CopyFrom(pb.limit(action.patience.request))
        message.idle_timeout.CopyFrom(pb.limit(action.patience.idle))
        if action.patience.deadlines:  # zero: as the call says, whatever that is
            message.max_stream_duration.grpc_timeout_header_max.SetInParent()
    if action.retries is not None and action.retries.attempts:
        message.retry_policy.CopyFrom(retry_policy(action.retries))
    if action.hashed_by is not None:
        message.hash_policy.append(hash_policy(action.hashed_by))
    return message


def hash_policy(by: By) -> pb.RouteAction.HashPolicy:
    """What requests to the same endpoint have in common. Envoy: config.route.v3.RouteAction.HashPolicy.

    Requests that do not have it go anywhere.
    """
    message = pb.RouteAction.HashPolicy()
    match by.part:
        case Part.HEADER:
            message.header.header_name = by.name.lower()
        case Part.COOKIE:
            message.cookie.name = by.name
        case Part.QUERY:
            message.query_parameter.name = by.name
        case Part.SOURCE:
            message.connection_properties.source_ip = True
        case _:
            assert_never(by.part)
    return message


def weighted_clusters(split: Sequence[Weight]) -> pb.WeightedCluster:
    """Traffic shared among clusters; Envoy takes the sum of the weights as the whole."""
    parts = (
        pb.WeightedCluster.ClusterWeight(
            name=names.cluster(part.service, part.version), weight=pb.uint32(part.weight)
        )
        for part in split
    )
    return pb.WeightedCluster(clusters=parts)


def retry_policy(retries: Retries) -> pb.RetryPolicy:
    """What is tried again, and never on the endpoint that failed. Envoy: config.route.v3.RetryPolicy."""
    elsewhere = pb.RetryPolicy.RetryHostPredicate(
        name=_PREVIOUS_HOSTS, typed_config=pb.pack(pb.PreviousHostsPredicate())
    )
    # A sidecar that cannot reach its process answers where the process would not have.
    marked = retries.marked and _CONNECT_FAILURE in retries.conditions.split(",")
    return pb.RetryPolicy(
        retry_on=f"{retries.conditions},{_RETRIABLE_HEADERS}" if marked else retries.conditions,
        retriable_headers=[pb.HeaderMatcher(name=names.NEVER_SENT, present_match=True)] if marked else (),
        num_retries=pb.uint32(retries.attempts),
        retry_host_predicate=[elsewhere],
        host_selection_retry_max_attempts=retries.host_attempts,
    )

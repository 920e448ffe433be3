"""The one door to Envoy's generated classes: short names, and conversions of our units to theirs.

May import `units` and protobuf. Nested messages are packed here alone, deterministically: packed otherwise,
a map inside one gives other bytes in every process.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from envoy.config.bootstrap.v3.bootstrap_pb2 import Bootstrap
from envoy.config.cluster.v3.circuit_breaker_pb2 import CircuitBreakers
from envoy.config.cluster.v3.cluster_pb2 import Cluster, LoadBalancingPolicy
from envoy.config.cluster.v3.outlier_detection_pb2 import OutlierDetection
from envoy.config.core.v3.address_pb2 import Address, SocketAddress
from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.config.core.v3.config_source_pb2 import AggregatedConfigSource, ApiVersion, ConfigSource
from envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from envoy.config.core.v3.health_check_pb2 import HealthCheck
from envoy.config.core.v3.protocol_pb2 import Http1ProtocolOptions, HttpProtocolOptions
from envoy.config.endpoint.v3.endpoint_components_pb2 import Endpoint, LbEndpoint, LocalityLbEndpoints
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.api_listener_pb2 import ApiListener
from envoy.config.listener.v3.listener_components_pb2 import Filter, FilterChain, ListenerFilter
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_components_pb2 import (
    DirectResponseAction,
    HeaderMatcher,
    RetryPolicy,
    Route,
    RouteAction,
    RouteMatch,
    VirtualHost,
    WeightedCluster,
)
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.clusters.common.dns.v3.dns_pb2 import DnsLookupFamily
from envoy.extensions.clusters.dns.v3.dns_cluster_pb2 import DnsCluster
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.http.stateful_session.v3.stateful_session_pb2 import (
    StatefulSession,
    StatefulSessionPerRoute,
)
from envoy.extensions.filters.listener.tls_inspector.v3.tls_inspector_pb2 import TlsInspector
from envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import (
    HttpConnectionManager,
    HttpFilter,
    Rds,
)
from envoy.extensions.filters.network.tcp_proxy.v3.tcp_proxy_pb2 import TcpProxy
from envoy.extensions.http.stateful_session.cookie.v3.cookie_pb2 import CookieBasedSessionState
from envoy.extensions.http.stateful_session.header.v3.header_pb2 import HeaderBasedSessionState
from envoy.extensions.load_balancing_policies.common.v3.common_pb2 import SlowStartConfig
from envoy.extensions.load_balancing_policies.least_request.v3.least_request_pb2 import LeastRequest
from envoy.extensions.load_balancing_policies.maglev.v3.maglev_pb2 import Maglev
from envoy.extensions.load_balancing_policies.random.v3.random_pb2 import Random
from envoy.extensions.load_balancing_policies.ring_hash.v3.ring_hash_pb2 import RingHash
from envoy.extensions.load_balancing_policies.round_robin.v3.round_robin_pb2 import RoundRobin
from envoy.extensions.network.dns_resolver.cares.v3.cares_dns_resolver_pb2 import CaresDnsResolverConfig
from envoy.extensions.path.match.uri_template.v3.uri_template_match_pb2 import UriTemplateMatchConfig
from envoy.extensions.retry.host.previous_hosts.v3.previous_hosts_pb2 import PreviousHostsPredicate
from envoy.extensions.upstreams.http.v3.http_protocol_options_pb2 import (
    HttpProtocolOptions as UpstreamHttpOptions,
)
from envoy.type.http.v3.cookie_pb2 import Cookie
from envoy.type.matcher.v3.regex_pb2 import RegexMatcher
from envoy.type.matcher.v3.string_pb2 import StringMatcher
from envoy.type.v3.hash_policy_pb2 import HashPolicy
from envoy.type.v3.http_pb2 import CodecClientType
from envoy.type.v3.percent_pb2 import Percent
from envoy.type.v3.range_pb2 import Int64Range
from google.protobuf.any_pb2 import Any
from google.protobuf.descriptor_pool import Default as default_pool
from google.protobuf.duration_pb2 import Duration as DurationMessage
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import UnknownFieldSet
from google.protobuf.wrappers_pb2 import BoolValue, UInt32Value, UInt64Value

from meshctl.units import Duration, Off

M = TypeVar("M", bound=Message)

__all__ = [
    "Address",
    "AggregatedConfigSource",
    "Any",
    "ApiListener",
    "Bootstrap",
    "CaresDnsResolverConfig",
    "CircuitBreakers",
    "Cluster",
    "ClusterLoadAssignment",
    "CodecClientType",
    "ConfigSource",
    "Cookie",
    "CookieBasedSessionState",
    "DecodeError",
    "DirectResponseAction",
    "DnsCluster",
    "DnsLookupFamily",
    "Endpoint",
    "Filter",
    "FilterChain",
    "HashPolicy",
    "HeaderBasedSessionState",
    "HeaderMatcher",
    "HeaderValue",
    "HeaderValueOption",
    "HealthCheck",
    "Http1ProtocolOptions",
    "HttpConnectionManager",
    "HttpFilter",
    "HttpProtocolOptions",
    "Int64Range",
    "LbEndpoint",
    "LeastRequest",
    "Listener",
    "ListenerFilter",
    "LoadBalancingPolicy",
    "LocalityLbEndpoints",
    "Maglev",
    "Message",
    "OutlierDetection",
    "Percent",
    "PreviousHostsPredicate",
    "Random",
    "Rds",
    "RegexMatcher",
    "RetryPolicy",
    "RingHash",
    "RoundRobin",
    "Route",
    "RouteAction",
    "RouteConfiguration",
    "RouteMatch",
    "Router",
    "SlowStartConfig",
    "SocketAddress",
    "StatefulSession",
    "StatefulSessionPerRoute",
    "StringMatcher",
    "TcpProxy",
    "TlsInspector",
    "TypedExtensionConfig",
    "UpstreamHttpOptions",
    "UriTemplateMatchConfig",
    "VirtualHost",
    "WeightedCluster",
    "ads",
    "as_json",
    "boolean",
    "duration",
    "fields",
    "from_json",
    "header_equals",
    "limit",
    "pack",
    "socket",
    "uint32",
    "uint64",
    "unknown_fields",
    "unpack",
]


def pack(message: Message) -> Any:
    """A message inside a message, with the same bytes in every process."""
    packed = Any()
    packed.Pack(message, deterministic=True)
    return packed


def unpack(packed: Any) -> Message | None:
    """The message inside, or None where its type is not known in this process. Raises DecodeError."""
    try:
        descriptor = default_pool().FindMessageTypeByName(packed.TypeName())
    except KeyError:
        return None
    return GetMessageClass(descriptor).FromString(packed.value)


def fields(message: Message) -> dict[str, object]:
    """The fields that are set, by name, with their values as protobuf's containers have them."""
    return {field.name: value for field, value in message.ListFields()}


def unknown_fields(message: Message) -> list[tuple[int, int, object]]:
    """Fields that these generated classes do not know: number, type on the wire, content."""
    found = UnknownFieldSet(message)
    all_of_them = (found[number] for number in range(len(found)))
    return [(one.field_number, one.wire_type, one.data) for one in all_of_them]


def duration(length: Duration) -> DurationMessage:
    """A length of time."""
    seconds, milliseconds = divmod(length.milliseconds, 1000)
    return DurationMessage(seconds=seconds, nanos=milliseconds * 1_000_000)


def limit(length: Duration | Off) -> DurationMessage:
    """A length of time that is a limit: none is zero."""
    return DurationMessage() if isinstance(length, Off) else duration(length)


def uint32(number: int) -> UInt32Value:
    """A number where Envoy tells "absent" from zero."""
    return UInt32Value(value=number)


def uint64(number: int) -> UInt64Value:
    """The same for numbers of 64 bits."""
    return UInt64Value(value=number)


def boolean(*, value: bool) -> BoolValue:
    """A truth value where Envoy tells "absent" from false."""
    return BoolValue(value=value)


def ads() -> ConfigSource:
    """Fetched over the stream that everything comes over."""
    return ConfigSource(ads=AggregatedConfigSource(), resource_api_version=ApiVersion.V3)


def socket(address: str, port: int) -> Address:
    """A TCP address; IPv6 without brackets."""
    return Address(socket_address=SocketAddress(address=address, port_value=port))


def header_equals(name: str, values: Iterable[str]) -> HeaderMatcher:
    """A header, or a pseudo-header such as `:method`, that is exactly one of `values`."""
    exact = list(values)
    if len(exact) == 1:
        return HeaderMatcher(name=name, string_match=StringMatcher(exact=exact[0]))
    alternatives = "|".join(exact)  # methods only: upper-case letters, nothing to escape
    return HeaderMatcher(name=name, string_match=StringMatcher(safe_regex=RegexMatcher(regex=alternatives)))


def from_json(kind: type[M], written: Mapping[str, object]) -> M:
    """The message that JSON says, with the names of the protos. Raises ParseError."""
    return ParseDict(dict(written), kind())


def as_json(message: Message) -> dict[str, object]:
    """A message as JSON, nested ones unpacked, with the names of the protos, as in configuration files."""
    written: dict[str, object] = MessageToDict(message, preserving_proto_field_name=True)
    return written

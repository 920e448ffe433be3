"""Edits of encoded resources, as a catalog, or another release of meshctl, could make them."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from meshctl.envoy import pb
from meshctl.envoy.decode import message
from meshctl.names import TypeUrl
from meshctl.snapshot import Resource
from meshctl.snapshot.encode import assemble

M = TypeVar("M", bound=pb.Message)
UPSTREAM_HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def edited(resources: Iterable[Resource], type_url: TypeUrl, edit: Callable[[M], object]) -> list[Resource]:
    """The same resources, those of a type with their messages edited; each is edited in place."""
    return [one if one.key.type != type_url else _edited(one, edit) for one in resources]


def _edited(one: Resource, edit: Callable[[M], object]) -> Resource:
    decoded: M = message(one.key.type, one.body)  # type: ignore[assignment]
    edit(decoded)
    head = decoded.SerializeToString(deterministic=True)
    return assemble(one.key, head, (), one.needs, empty=one.empty, address=one.address)


def inside(packed: pb.Any, kind: type[M], edit: Callable[[M], object]) -> None:
    """Edit the message of this kind that is packed here."""
    found = kind()
    packed.Unpack(found)
    edit(found)
    packed.CopyFrom(pb.pack(found))


def manager(edit: Callable[[pb.HttpConnectionManager], object]) -> Callable[[pb.Listener], None]:
    """An edit of a listener's connection manager."""

    def changed(listener: pb.Listener) -> None:
        inside(listener.filter_chains[0].filters[0].typed_config, pb.HttpConnectionManager, edit)

    return changed


def upstream_http(edit: Callable[[pb.UpstreamHttpOptions], object]) -> Callable[[pb.Cluster], None]:
    """An edit of how a cluster speaks HTTP."""

    def changed(cluster: pb.Cluster) -> None:
        inside(cluster.typed_extension_protocol_options[UPSTREAM_HTTP], pb.UpstreamHttpOptions, edit)

    return changed

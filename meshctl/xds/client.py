"""What one stream knows of its client: the view it shall hold, what it holds, and a channel for each type.

May import `snapshot`, `fleet` and `names`. Answers what an ordering may ask (`ordering.KnownNode`).
"""

from collections.abc import Callable, Iterable, Iterator

from meshctl.fleet.tally import Version
from meshctl.names import CLUSTER, ENDPOINTS, Ref, TypeUrl
from meshctl.snapshot import Resource, ViewSnapshot
from meshctl.xds.channel import Channel
from meshctl.xds.holding import UNKNOWN, Holding, Holdings
from meshctl.xds.types import TYPES, ResourceType


class Client:
    """The state of one stream.

    `reconnected`: the client held something when the stream began. `answered`: it acknowledged or refused
    something since, and asks for all that it had before it does so. `unwarmed`: clusters that may wait for
    endpoints which the client has yet to ask for. `turn`: this node may look for a culprit that nobody
    names; `is_found`: whether another node found this one.
    """

    def __init__(self, *, is_envoy: bool) -> None:
        """`is_envoy`: it asks for all clusters, and is no gRPC library that asks for those it is led to."""
        self._is_envoy = is_envoy
        self.holdings = Holdings()
        self.reconnected = False
        self.answered = False
        self.unwarmed: set[str] = set()
        self.turn = True
        self.is_found: Callable[[Version], bool] = lambda _version: False
        self._view: ViewSnapshot | None = None
        self._channels: dict[TypeUrl, Channel] = {}

    @property
    def is_silent(self) -> bool:
        """Whether it is an Envoy that has not asked for its clusters on this stream.

        It asks for them before all else, and says nothing of them while some of them warm: so those warm
        since an earlier stream (`ClusterManagerImpl::updateClusterCounts`).
        """
        return self._is_envoy and CLUSTER not in self._channels

    @property
    def known(self) -> bool:
        """Whether a view was ever given."""
        return self._view is not None

    @property
    def view(self) -> ViewSnapshot:
        """What the client shall hold. Raises LookupError while that is not known."""
        if self._view is None:
            raise LookupError("no view was published to this stream")
        return self._view

    @view.setter
    def view(self, view: ViewSnapshot) -> None:
        self._view = view

    def channel(self, type_url: TypeUrl) -> Channel | None:
        """The channel of a type that the client has asked for."""
        return self._channels.get(type_url)

    def open(self, row: ResourceType) -> Channel:
        """The channel of this type, made at its first request."""
        if row.url not in self._channels:
            self._channels[row.url] = Channel.of(row)
        return self._channels[row.url]

    def channels(self) -> Iterator[Channel]:
        """All channels, in the order in which types are sent."""
        return (self._channels[url] for url in TYPES if url in self._channels)

    def target(self, channel: Channel, name: str) -> Resource | None:
        """What the client shall have under this name: its view's resource, if it asked for it.

        Endpoints outlive their cluster in the view: a client that still has the cluster, and warms it,
        would wait for them (15 s in Envoy). So they are answered from what the view had before.
        """
        ref = channel.ref(name)
        resource = self.view.get(ref)
        if resource is not None:
            covered = channel.subscription.covers(name, by_name=resource.by_name)
            return resource if covered else None
        if not channel.row.leaves and name in channel.subscription.names:
            stone = self.view.view.tombstones.get(ref)
            return None if stone is None else stone.resource
        return channel.joined.get(name)

    def rewarm(self, endpoints: Channel, clusters: Iterable[str]) -> None:
        """These clusters went out: their endpoints go out again, if the client asked for them.

        Envoy warms a changed cluster until its endpoints come again, and a delta client does not ask. They
        are repeated as they were accepted, even if newer ones wait: refused ones would end the warming
        without any. The client asks for those of a new cluster by itself.
        """
        for name in endpoints.subscription.names & frozenset(clusters):
            holding = self.held(endpoints.ref(name))
            accepted = holding is not None and holding.accepted is not None
            (endpoints.rewarm if accepted else endpoints.again).add(name)

    def drop(self, channel: Channel, name: str) -> None:
        """The client no longer wants this name and forgets it by itself."""
        channel.forget(name)
        self.holdings.put(channel.ref(name), None)

    def held(self, ref: Ref) -> Holding | None:
        """What the client has, or may have, under this name."""
        return self.holdings.get(ref)

    def wants(self, ref: Ref) -> bool:
        """Whether the client's subscriptions cover this name, or will."""
        channel, resource = self.channel(ref.type), self.view.get(ref)
        if channel is None:
            return ref.type == CLUSTER and self.is_silent
        by_name = resource is not None and resource.by_name
        return channel.subscription.covers(ref.name, by_name=by_name)

    def refuses(self, ref: Ref) -> bool:
        """Whether the client refused this name as it shall have it, or is spared one that others refused."""
        if self.view.holds_back(ref):
            return True
        channel = self.channel(ref.type)
        if channel is None or channel.parked or ref.name not in channel.refused:
            return False
        shall = self.target(channel, ref.name)
        return shall is not None and channel.refused[ref.name].version == shall.version

    def may_have_older(self, ref: Ref) -> bool:
        """Whether the client said at the start that it holds this name in another version than its view."""
        holding = self.held(ref)
        return holding is not None and holding.accepted is None and bool(holding.claimed)

    def is_untold(self, type_url: TypeUrl) -> bool:
        """Whether the client holds resources of this type and could not say which."""
        channel = self.channel(type_url)
        return channel is not None and channel.opaque

    def untold(self, ref: Ref) -> Holding | None:
        """What the client may have under a name that it has not told, or not told yet; None: nothing."""
        early = self.reconnected and (self._view is None or self.channel(ref.type) is None)
        return Holding(claimed=UNKNOWN) if early or self.is_untold(ref.type) else None

    def may_ask(self, ref: Ref) -> bool:
        """Whether the client asked for this name, or may be about to.

        A client that reconnects asks for all types at once: clusters, endpoints, then the others.
        """
        channel = self.channel(ref.type)
        if channel is None:
            return self.reconnected and len(self._channels) == 1
        return ref.name in channel.subscription.names

    def can_spare(self, ref: Ref) -> bool:
        """Whether a name that the client may hold can be taken away: it lacks it, or nothing can need it.

        Whoever has a cluster asks for its endpoints.
        """
        endpoints = self.channel(ENDPOINTS)
        if ref.type == CLUSTER:
            return endpoints is None or ref.name not in endpoints.subscription.names
        return not any(ref.type in row.refers_to for row in TYPES.values())

    def may_need(self, ref: Ref) -> bool:
        """Whether something that the client has, or may have, needs this name."""
        return self.holdings.needs(ref) or any(
            channel.opaque or self.holdings.uncertain(channel.row.url)
            for channel in self._channels.values()
            if ref.type in channel.row.refers_to
        )

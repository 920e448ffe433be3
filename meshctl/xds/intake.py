"""The subscription role: what a request says of wishes, and a first one of what the client holds already.

May import `snapshot` and `names`. Works on a client; sends nothing.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from meshctl.names import CLUSTER, ENDPOINTS, Ref
from meshctl.snapshot import Resource
from meshctl.xds.channel import Channel
from meshctl.xds.client import Client
from meshctl.xds.events import Amend, Dialect, Replace, Request, digest
from meshctl.xds.holding import UNKNOWN, Holding


def subscribe(client: Client, channel: Channel, request: Request, dialect: Dialect, now: float) -> None:
    """Take in what a request wants. It counts with any nonce: an old one tells a wish too."""
    first = not channel.seen
    change = channel.subscription.apply(request.names)
    if first:
        _note_claims(client, channel, request.names)
        if channel.row.url == ENDPOINTS and client.is_silent:
            client.unwarmed |= channel.subscription.names
    if not client.known:
        return
    if first:
        begin(client, channel, dialect, now)
        return
    for name in change.dropped:
        if not _covered(client, channel, name):
            client.drop(channel, name)
    if change.narrowed:
        for name in [*client.holdings.of(channel.row.url), *channel.dirty]:
            if not _covered(client, channel, name):
                client.drop(channel, name)
    there = _there(client, channel, change.wanted)
    channel.again |= change.again & there
    _tell_absent(client, channel, change.wanted, there, dialect)
    channel.mark(there, now)
    if change.widened:
        channel.owed = True
        channel.mark(client.view.names(channel.row.url), now)


def begin(client: Client, channel: Channel, dialect: Dialect, now: float) -> None:
    """A type was asked for and a view is known: compare what the client holds with what it shall."""
    _recognise(client, channel)
    _adopt(client, channel)
    join(client, channel, now)
    channel.owed = channel.subscription.wildcard
    if channel.row.url == ENDPOINTS:
        # Clusters that went out before their endpoints were asked for, by a client that holds both; or
        # those of an Envoy that warms some of them and says nothing of which.
        channel.mark((), now)
        client.rewarm(channel, client.unwarmed)
        client.unwarmed.clear()
        _infer_clusters(client, channel, now)
    there = _there(client, channel, channel.subscription.names)
    _tell_absent(client, channel, channel.subscription.names, there, dialect)
    channel.mark(there, now)
    channel.mark(client.holdings.of(channel.row.url), now)
    if channel.subscription.wildcard:
        channel.mark(client.view.names(channel.row.url), now)


def join(client: Client, channel: Channel, now: float) -> None:
    """Add what the view lost to a first complete answer, for a client that cannot say what it holds."""
    stones = _joinable(client, channel) if channel.opaque else ()
    joined = {stone.key.name: stone for stone in stones}
    if joined != channel.joined:
        channel.unpark()
        channel.mark({**joined, **channel.joined}, now)
        channel.joined = joined


def _note_claims(client: Client, channel: Channel, names: Replace | Amend) -> None:
    match names:
        case Amend(versions=versions):
            channel.claims = dict(versions)
        case Replace(asked, version) if version and channel.row.complete:
            channel.opaque, channel.told = True, version
        case Replace(asked, version) if version:
            channel.claims = dict.fromkeys(asked, UNKNOWN)
    client.reconnected |= channel.opaque or bool(channel.claims)


def _recognise(client: Client, channel: Channel) -> None:
    """A client that says the version of exactly what the view holds now can say what it holds, after all.

    So a restart without a change gives it nothing back of what the view lost before.
    """
    if not channel.opaque:
        return
    covers = channel.subscription.covers
    shall = client.view.resources(channel.row.url)
    wanted = tuple(one for one in shall if covers(one.key.name, by_name=one.by_name))
    if digest(wanted) == channel.told.partition("-")[0]:  # behind it: the count of refusals before
        channel.opaque = False
        channel.claims = {one.key.name: one.version for one in wanted}


def _adopt(client: Client, channel: Channel) -> None:
    """What the client says it holds: known where the version is the view's, or one that the view had."""
    for name, version in channel.claims.items():
        ref = channel.ref(name)
        shall = client.view.get(ref)
        stone = client.view.view.tombstones.get(ref)
        if shall is not None and shall.version == version and client.wants(ref):
            client.holdings.put(ref, Holding(accepted=shall))
            if channel.row.complete:
                channel.state = channel.state.insert(name, shall)
        elif stone is not None and stone.resource.version == version:
            client.holdings.put(ref, Holding(possible=(stone.resource,), claimed=version))
        else:
            client.holdings.put(ref, Holding(claimed=version or UNKNOWN))


def _infer_clusters(client: Client, endpoints: Channel, now: float) -> None:
    """Whoever asks for endpoints has their cluster, even where it does not say so.

    A delta client does not name what it took of an answer that it refused as a whole.
    """
    clusters = client.channel(CLUSTER)
    if clusters is None or not clusters.subscription.wildcard:
        return
    view = client.view.view
    for name in endpoints.subscription.names:
        ref = clusters.ref(name)
        # One that nobody here ever knew was made up, or is lost: it could only be told to go.
        if (ref in view.keys or ref in view.tombstones) and client.held(ref) is None:
            client.holdings.put(clusters.ref(name), Holding(claimed=UNKNOWN))
            client.reconnected = True
            clusters.mark((name,), now)


def _joinable(client: Client, channel: Channel) -> Iterator[Resource]:
    """What the view lost and the client may still hold, newest first: never two listeners on one address."""
    taken = {one.address for one in client.view.resources(channel.row.url)} - {""}
    stones = client.view.view.tombstones
    for ref in sorted(stones, key=lambda ref: (-stones[ref].revision, ref)):
        stone = stones[ref].resource
        if ref.type != channel.row.url or client.view.get(ref) is not None or stone.address in taken:
            continue
        if channel.subscription.covers(ref.name, by_name=stone.by_name) and _can_be_had(client, stone):
            taken |= {stone.address} - {""}
            yield stone


def _can_be_had(client: Client, stone: Resource) -> bool:
    stones = client.view.view.tombstones
    clusters = (need for need in _all_needs(client, stone) if need.type == CLUSTER)
    return all(client.view.get(need) is not None or need in stones for need in clusters)


def _all_needs(client: Client, stone: Resource) -> Iterator[Ref]:
    for need in stone.needs:
        yield need
        behind = client.view.get(need)
        yield from behind.needs if behind is not None else ()


def _there(client: Client, channel: Channel, names: AbstractSet[str]) -> AbstractSet[str]:
    """Those of `names` of which there is something, here or at the client; the others need no thought.

    Somebody may ask for a great many that do not exist.
    """
    url, keys, stones = channel.row.url, client.view.view.keys, client.view.view.tombstones
    held, joined = client.holdings.of(url), channel.joined
    return {
        name
        for name in names
        if (ref := Ref(url, name)) in keys or ref in stones or name in held or name in joined
    }


def _tell_absent(
    client: Client, channel: Channel, names: AbstractSet[str], there: AbstractSet[str], dialect: Dialect
) -> None:
    """Names that do not exist are told so, once each time they are asked for, and stay subscribed."""
    if channel.row.url in dialect.missing:
        channel.absent |= names - there
        for name in there:
            if client.target(channel, name) is None and client.held(channel.ref(name)) is None:
                channel.absent.add(name)


def _covered(client: Client, channel: Channel, name: str) -> bool:
    resource = client.view.get(channel.ref(name))
    by_name = resource is not None and resource.by_name
    return channel.subscription.covers(name, by_name=by_name)

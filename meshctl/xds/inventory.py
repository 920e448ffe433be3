"""What one stream knows of each resource: which version the client has, and which its view has for it.

May import `snapshot`, `fleet` and `names`. Looked up when somebody asks; costs what the client holds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from meshctl.fleet.fleet import Refusal
from meshctl.fleet.node import Node
from meshctl.names import Ref
from meshctl.snapshot import Resource
from meshctl.xds.channel import Channel
from meshctl.xds.client import Client


class Stand(Enum):
    """How what a client has under a name relates to what its view has."""

    ACCEPTED = "accepted"
    """It has the version of its view."""
    SENT = "sent"
    """That version is on its way, and not answered yet."""
    PENDING = "pending"
    """That version is about to be sent."""
    WAITING = "waiting"
    """That version, or a part of it, waits for what it needs."""
    REFUSED = "refused"
    """It refused that version, and keeps the one before."""
    LEAVING = "leaving"
    """Its view has no such name any more; it stays until nothing needs it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One name at one client.

    `accepted` is what it acknowledged last, None while it has not; `wanted` what its view has for it, None
    if nothing. `since` is when the refusal or the waiting began, `waits_for` for what.
    """

    ref: Ref
    stand: Stand
    accepted: Resource | None = None
    wanted: Resource | None = None
    refusal: Refusal | None = None
    waits_for: tuple[Ref, ...] = ()
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """All names of one client, type by type in the order in which they are sent, each by name.

    `revision` is that of the snapshot that the view was taken from; 0 while there is none.
    """

    node: Node
    view: str
    revision: int = 0
    items: tuple[Item, ...] = ()


def items(client: Client) -> Iterator[Item]:
    """Every name that the client has, may have or shall have. Nothing while it has no view."""
    if client.known:
        for channel in client.channels():
            wanted, sent = _wanted(client, channel), _on_its_way(channel)
            for name in sorted({*wanted, *client.holdings.of(channel.row.url)}):
                yield _item(client, channel, wanted.get(name), sent, name)


def waiting(client: Client) -> Iterator[Item]:
    """Only those that do not go out before the client has what they need; costs what waits."""
    if client.known:
        for channel in client.channels():
            names, sent = sorted({*channel.waiting, *channel.partial}), _on_its_way(channel)
            for name in names:
                found = _item(client, channel, client.view.get(channel.ref(name)), sent, name)
                if found.stand is Stand.WAITING:
                    yield found


def _wanted(client: Client, channel: Channel) -> dict[str, Resource]:
    """What the view has and the client asked for."""
    covers = channel.subscription.covers
    found = client.view.resources(channel.row.url)
    return {one.key.name: one for one in found if covers(one.key.name, by_name=one.by_name)}


def _item(
    client: Client, channel: Channel, wanted: Resource | None, sent: Mapping[str, str], name: str
) -> Item:
    ref = channel.ref(name)
    holding, refusal = client.held(ref), channel.refused.get(name)
    accepted = None if holding is None else holding.accepted
    if wanted is None:
        return Item(ref, Stand.LEAVING, accepted)
    if holding is not None and (holding.is_surely(wanted.version) or holding.claimed == wanted.version):
        return Item(ref, Stand.ACCEPTED, wanted, wanted)
    if refusal is not None and refusal.version == wanted.version:
        return Item(ref, Stand.REFUSED, accepted, wanted, refusal, since=refusal.since)
    if sent.get(name) == wanted.version:
        return Item(ref, Stand.SENT, accepted, wanted, since=channel.status.sent_at)
    if (waits := channel.waiting.get(name)) is not None:
        return Item(ref, Stand.WAITING, accepted, wanted, None, waits.refs, waits.since)
    stand = Stand.WAITING if name in channel.partial else Stand.PENDING
    return Item(ref, stand, accepted, wanted)


def _on_its_way(channel: Channel) -> dict[str, str]:
    """The versions that were sent and are not answered, by name."""
    sent = channel.inflight
    return {} if sent is None else {one.key.name: one.version for one in sent.upserts}

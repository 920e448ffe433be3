"""What one stream knows of each resource: which version the client has, and which its view has for it.

May import `snapshot`, `fleet` and `names`. Looked up when somebody asks; costs what the client holds.
"""

from collections.abc import Iterator
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
            for name in sorted(_names(client, channel)):
                yield _item(client, channel, name)


def _names(client: Client, channel: Channel) -> set[str]:
    wanted = (name for name in client.view.names(channel.row.url) if client.wants(channel.ref(name)))
    return {*wanted, *client.holdings.of(channel.row.url)}


def _item(client: Client, channel: Channel, name: str) -> Item:
    ref = channel.ref(name)
    wanted = None if client.view.get(ref) is None else client.target(channel, name)  # what joined only leaves
    holding, refusal = client.held(ref), channel.refused.get(name)
    accepted = None if holding is None else holding.accepted
    if wanted is None:
        return Item(ref, Stand.LEAVING, accepted)
    if holding is not None and (holding.is_surely(wanted.version) or holding.claimed == wanted.version):
        return Item(ref, Stand.ACCEPTED, wanted, wanted)
    if refusal is not None and refusal.version == wanted.version:
        return Item(ref, Stand.REFUSED, accepted, wanted, refusal, since=refusal.since)
    sent = () if channel.inflight is None else channel.inflight.upserts
    if any(one.key == wanted.key and one.version == wanted.version for one in sent):
        return Item(ref, Stand.SENT, accepted, wanted, since=channel.status.sent_at)
    if (waiting := channel.waiting.get(name)) is not None:
        return Item(ref, Stand.WAITING, accepted, wanted, None, waiting.refs, waiting.since)
    stand = Stand.WAITING if name in channel.partial else Stand.PENDING
    return Item(ref, stand, accepted, wanted)

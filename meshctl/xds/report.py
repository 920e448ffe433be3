"""What a stream tells of its node: the state in one word, and the reason in one sentence.

May import `fleet` and `names`.
"""

from collections.abc import Iterator
from dataclasses import replace

from meshctl.fleet.fleet import NodeState, Refusal, TypeStatus
from meshctl.xds.channel import Channel
from meshctl.xds.client import Client
from meshctl.xds.types import called


def waiting_since(channel: Channel) -> Iterator[float]:
    """The times since which something does not go on: an unanswered answer, or a name that waits."""
    if channel.inflight is not None and channel.status.sent_at is not None:
        yield channel.status.sent_at
    for one in channel.waiting.values():
        if not one.hopeless:
            yield one.since


def is_late(channel: Channel, late: float) -> bool:
    """Whether the client owes the answer to something that was sent by `late`."""
    sent_at = channel.status.sent_at
    return channel.inflight is not None and sent_at is not None and sent_at <= late


def state(client: Client, late: float) -> tuple[NodeState, str]:
    """The node's state and why. `late`: what began by then and goes on is stalled."""
    if not client.known:
        return NodeState.UNKNOWN, "no view of the catalog is for this node"
    if client.view.view.frozen:
        return NodeState.ORPHAN, "what it stands for is gone from the catalog; it keeps what it has"
    channels = tuple(client.channels())
    stalled = any(since <= late for channel in channels for since in waiting_since(channel))
    told = _waits(channels) or _unanswered(channels)
    if stalled:
        return NodeState.STALLED, told
    for channel in channels:
        if channel.parked:
            return NodeState.REFUSED, f"the {channel.row.noun} answer was refused: {channel.parked}"
        if channel.trials.reason:
            words = f"the {channel.row.noun} answer was refused: {channel.trials.reason}"
            return NodeState.REFUSED, f"{words} (for which of its resources is not known yet)"
    for refusal in refusals(client):
        return NodeState.REFUSED, f"{called(refusal.ref)} was refused: {refusal.reason}"
    if told:
        waits = any(channel.waiting for channel in channels)
        return (NodeState.WAITING if waits else NodeState.SENDING), told
    if any(channel.unsent for channel in channels):
        return NodeState.SENDING, "changes are about to be sent"
    if client.is_silent:
        return NodeState.WAITING, "it has not asked for its clusters: some of those it has are warming"
    return NodeState.SYNCED, ""


def refusals(client: Client) -> tuple[Refusal, ...]:
    """What the node did not accept and would be sent otherwise."""
    return tuple(one for channel in client.channels() for _, one in sorted(channel.refused.items()))


def types(client: Client) -> tuple[TypeStatus, ...]:
    """One status for each type that the node asked for."""
    return tuple(
        replace(
            channel.status,
            resources=len(client.holdings.of(channel.row.url)),
            unanswered=channel.inflight is not None,
        )
        for channel in client.channels()
    )


def _waits(channels: tuple[Channel, ...]) -> str:
    for channel in channels:
        for name, one in sorted(channel.waiting.items()):
            refs = ", ".join(called(ref) for ref in one.refs)
            return f"{called(channel.ref(name))} waits for {refs}"
    return ""


def _unanswered(channels: tuple[Channel, ...]) -> str:
    for channel in channels:
        if channel.inflight is not None:
            return f"the last {channel.row.noun} answer is not acknowledged yet"
    return ""

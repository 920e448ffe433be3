"""The ACK and NACK role: what the client says to the answer that it was sent last.

May import `snapshot` and `names`. Works on a client; sends nothing.
"""

from dataclasses import replace

from rpds import HashTrieMap

from meshctl.fleet.fleet import Refusal
from meshctl.snapshot import Resource
from meshctl.xds import quarantine
from meshctl.xds.channel import Channel
from meshctl.xds.client import Client
from meshctl.xds.events import Dialect, Request, Send
from meshctl.xds.holding import Holding
from meshctl.xds.trials import Culprit


def acknowledge(client: Client, channel: Channel, request: Request, dialect: Dialect, now: float) -> None:
    """Take in what a request says to the last answer; nothing, if it carries another nonce."""
    sent = channel.inflight
    if sent is None or request.nonce != sent.nonce:
        return
    channel.inflight = None
    client.answered = True
    if request.error is None:
        _accepted(client, channel, sent, now)
        if sent.state is not None and sent.type in dialect.whole:
            _hold_exactly(client, channel, sent.state)
    else:
        _refused(client, channel, sent, request.error, now)
    for other in client.channels():
        other.mark(other.partial, now)


def _accepted(client: Client, channel: Channel, sent: Send, now: float) -> None:
    for resource in sent.upserts:
        # Without a holding the client dropped the name meanwhile, and has forgotten it.
        ref = resource.ref
        if client.held(ref) is not None:
            client.holdings.put(ref, Holding(accepted=resource))
            if not _is_repeat(client, channel, resource):
                channel.accept(resource.key.name)
    _gone(client, channel, sent)
    channel.opaque = False
    channel.yielded.clear()
    joined, channel.joined = channel.joined, {}
    channel.mark(joined, now)
    if (culprit := channel.trials.accepted(_versions(sent))) is not None:
        _found_out(channel, culprit, now)
    took = None if channel.told_since is None else now - channel.told_since
    channel.status = replace(channel.status, acked=sent.version, acked_at=now, took=took)


def _is_repeat(client: Client, channel: Channel, resource: Resource) -> bool:
    """Whether it is what the client had before what it refuses: that it takes this says nothing of that.

    Unless that goes out again anyway, as endpoints do after their cluster: a changed one may take them.
    """
    name = resource.key.name
    if name not in channel.refused or name in channel.dirty:
        return False
    return channel.refused[name].version != resource.version and client.refuses(resource.ref)


def _hold_exactly(client: Client, channel: Channel, state: "HashTrieMap[str, Resource]") -> None:
    """A complete answer was accepted: whatever was in doubt before is in doubt no longer."""
    for name, holding in tuple(client.holdings.of(channel.row.url).items()):
        resource = state.get(name)
        if resource is None:
            channel.leaving.pop(name, None)
            client.holdings.put(channel.ref(name), None)
        elif not holding.is_surely(resource.version):
            client.holdings.put(channel.ref(name), Holding(accepted=resource))


def _refused(client: Client, channel: Channel, sent: Send, error: str, now: float) -> None:
    channel.refusals += 1
    channel.status = replace(channel.status, nacked=sent.version, nacked_at=now, refused=())
    versions = _versions(sent)
    names = frozenset(versions)
    if not names:
        _gone(client, channel, sent)  # nobody to blame, and nothing to say another way
        return
    _restore(client, channel, sent)
    _give_back(channel, sent, now)
    culprits, reason = quarantine.blamed(error, names), quarantine.reason(error)
    if channel.opaque:
        _park(client, channel, culprits, reason)
    else:
        culprits = channel.trials.refused(versions, culprits, reason)
    passing = quarantine.may_pass(reason)
    for name in culprits:
        refusal = Refusal(channel.ref(name), versions[name], reason, now, passing)
        channel.refuse(refusal, _again_after(channel, name) if passing else None)
    told = tuple(channel.refused[name] for name in sorted(culprits))
    channel.status = replace(channel.status, refused=told)
    channel.mark(names, now)


def _found_out(channel: Channel, culprit: Culprit, now: float) -> None:
    """All that was refused with this name was accepted without it."""
    passing = quarantine.may_pass(culprit.reason)
    refusal = Refusal(channel.ref(culprit.name), culprit.version, culprit.reason, now, passing)
    channel.refuse(refusal, _again_after(channel, culprit.name) if passing else None)
    channel.mark((culprit.name,), now)


def _again_after(channel: Channel, name: str) -> float:
    """In how many seconds a name is tried again that was refused for a passing cause: ever more rarely."""
    before = channel.retries.get(name)
    return quarantine.FIRST_RETRY if before is None else min(before.after * 2, quarantine.LAST_RETRY)


def _park(client: Client, channel: Channel, culprits: frozenset[str], reason: str) -> None:
    """Stop until the view changes: nobody knows what the client holds.

    A complete answer without the culprit would delete an older version of it. What joined only can be left
    out, if that takes nothing from the client that it needs; and what changed meanwhile is worth a try.
    """
    spare = [name for name in channel.joined if client.can_spare(channel.ref(name))]
    if culprits:
        spare = [name for name in spare if name in culprits]
    for name in spare:
        del channel.joined[name]
    solved = bool(spare) and culprits.issubset(spare)
    if not solved and not channel.dirty:
        channel.parked = reason


def _restore(client: Client, channel: Channel, sent: Send) -> None:
    """What the client shall hold is again what it accepted before."""
    for name in (one.key.name for one in sent.upserts):
        holding = client.held(channel.ref(name))
        kept = None if holding is None else holding.accepted
        if kept is not None and channel.row.complete:
            channel.state = channel.state.insert(name, kept)
        else:
            channel.state = channel.state.discard(name)


def _give_back(channel: Channel, sent: Send, now: float) -> None:
    """A listener that made room for a refused one comes back: Envoy had removed it already."""
    addresses = {one.address for one in sent.upserts} - {""}
    for name, resource in channel.yielded.items():
        if resource.address in addresses:
            channel.joined[name] = resource
            channel.mark((name,), now)
    channel.yielded.clear()


def _versions(sent: Send) -> dict[str, str]:
    return {one.key.name: one.version for one in sent.upserts}


def _gone(client: Client, channel: Channel, sent: Send) -> None:
    for name in sent.removed:
        channel.leaving.pop(name, None)
        client.holdings.put(channel.ref(name), None)

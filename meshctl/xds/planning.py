"""What goes out next on one channel: what changed, as far as the ordering lets it, and what leaves.

May import `snapshot` and `names`. Works on a client and its ordering; time is an argument.
"""

from dataclasses import dataclass

from meshctl.names import Ref
from meshctl.snapshot import Resource
from meshctl.xds.channel import Channel, Waiting
from meshctl.xds.client import Client
from meshctl.xds.events import Dialect
from meshctl.xds.ordering import Ordering


@dataclass(frozen=True, slots=True)
class Plan:
    """The difference that one answer makes; `repeats`: only what the client has already."""

    upserts: tuple[Resource, ...]
    removed: tuple[str, ...] = ()
    repeats: bool = False


class Planner:
    """Plans the answers of one stream. `opened` is when it began."""

    def __init__(self, client: Client, ordering: Ordering, dialect: Dialect, opened: float) -> None:
        self._client, self._ordering, self._dialect, self._opened = client, ordering, dialect, opened
        self._learned = False

    def take_learned(self) -> bool:
        """Whether planning found, since this was asked last, that the client holds what it shall."""
        learned, self._learned = self._learned, False
        return learned

    def plan(self, channel: Channel, now: float) -> Plan | None:
        """The next answer, None if there is nothing to say or nothing may be said yet."""
        if channel.rewarm:
            # Alone: refused together with something new, they would end the warming of their cluster
            # without endpoints (measured on Envoy 1.40).
            return Plan(self._repeated(channel), repeats=True)
        if channel.parked:
            return None
        upserts = self._without_rivals(channel, self._tried(channel, now))
        if self._is_held_back(channel):
            return None
        removed = (*self._removals(channel, upserts, now), *sorted(channel.absent))
        if upserts or removed or channel.owed:
            return Plan(upserts, removed)
        return None

    def review_leaving(self, channel: Channel, now: float) -> None:
        """Note since when nothing needs what is to leave."""
        awaited = self._awaited_addresses(channel) if channel.leaving else frozenset[str]()
        for name, since in channel.leaving.items():
            ref = channel.ref(name)
            needed = self._is_unheard or not self._ordering.may_leave(ref, self._client)
            if needed or self._may_listen(channel, name, awaited):
                channel.leaving[name] = None
            elif since is None:
                channel.leaving[name] = now

    @property
    def _is_unheard(self) -> bool:
        """Whether a client that reconnected may still be saying what it holds."""
        return self._client.reconnected and not self._client.answered

    def leaves_at(self, since: float) -> float:
        """When something may leave that nothing has needed since then.

        After a reconnect not before the same grace from its beginning.
        """
        start = max(since, self._opened) if self._client.reconnected else since
        return start + self._ordering.grace

    def _repeated(self, channel: Channel) -> tuple[Resource, ...]:
        holdings = (self._client.held(channel.ref(name)) for name in sorted(channel.rewarm))
        return tuple(one.accepted for one in holdings if one is not None and one.accepted is not None)

    def _tried(self, channel: Channel, now: float) -> tuple[Resource, ...]:
        """What may and must be sent now; while somebody is in doubt, as the search for them goes."""
        while True:
            released = channel.trials.go_on(
                lambda name, version: self._client.is_found((channel.ref(name), version)),
                turn=self._client.turn,
            )
            channel.mark(released, now)
            upserts = self._upserts(channel, now)
            if upserts or channel.trials.batch is None:
                return upserts
            channel.trials.over()

    def _upserts(self, channel: Channel, now: float) -> tuple[Resource, ...]:
        offers = (self._offer(channel, name, now) for name in sorted(channel.dirty | channel.again))
        return tuple(one for one in offers if one is not None)

    def _offer(self, channel: Channel, name: str, now: float) -> Resource | None:
        """What of this name may and must be sent now; settles names that need nothing."""
        batch = channel.trials.batch
        if batch is not None and name not in batch:
            return None
        if channel.trials.holds(name):
            return self._repeat(channel, name)
        shall = self._client.target(channel, name)
        if shall is None:
            return self._vanished(channel, name)
        channel.leaving.pop(name, None)
        channel.absent.discard(name)
        if self._has(channel, name, shall):
            return None
        verdict = self._ordering.offer(shall, self._client)
        if verdict.resource is None:
            since = channel.waiting[name].since if name in channel.waiting else now
            channel.waiting[name] = Waiting(since, verdict.waits_for, verdict.hopeless)
            return None
        channel.waiting.pop(name, None)
        self._note_partial(channel, name, whole=verdict.resource is shall)
        return self._difference(channel, name, verdict.resource)

    def _has(self, channel: Channel, name: str, shall: Resource) -> bool:
        """Whether the client has just this and waits for nothing; then that is settled."""
        if name in channel.again:
            return False
        self._recognise(channel.ref(name), shall)
        holding = self._client.held(channel.ref(name))
        if holding is None or not holding.is_surely(shall.version):
            return False
        channel.waiting.pop(name, None)
        channel.partial.discard(name)
        channel.accept(name, shall.version)
        _settle(channel, name)
        return True

    def _recognise(self, ref: Ref, resource: Resource) -> None:
        """The client said that it holds just this. Nothing may rely on what outlives the view."""
        holding = self._client.held(ref)
        claims = holding is not None and holding.claimed == resource.version
        if holding is not None and claims and self._client.view.get(ref) is not None:
            self._client.holdings.put(ref, holding.known_as(resource))
            self._learned = True

    def _difference(self, channel: Channel, name: str, offered: Resource) -> Resource | None:
        ref = channel.ref(name)
        self._recognise(ref, offered)
        holding, refusal = self._client.held(ref), channel.refused.get(name)
        if holding is not None and holding.claimed == offered.version and name not in channel.again:
            _settle(channel, name)  # it holds what outlives the view
            return None
        is_refused = refusal is not None and refusal.version == offered.version
        is_out = is_refused and channel.is_retried(name)
        if is_refused and not is_out:
            # Not again until it changes; who asks for it again gets what was accepted before.
            repeat = None if holding is None or name not in channel.again else holding.accepted
            if repeat is None:
                _settle(channel, name)
            return repeat
        if not is_out:
            channel.accept(name, offered.version)
        if name not in channel.again and holding is not None and holding.is_surely(offered.version):
            _settle(channel, name)
            return None
        return offered

    def _repeat(self, channel: Channel, name: str) -> Resource | None:
        """What was accepted before of a name in doubt, for who asks for it again."""
        holding = self._client.held(channel.ref(name))
        return None if holding is None or name not in channel.again else holding.accepted

    def _vanished(self, channel: Channel, name: str) -> Resource | None:
        """The view lacks it, or the client did not ask for it: it leaves, when nothing needs it."""
        channel.accept(name)
        channel.waiting.pop(name, None)
        channel.partial.discard(name)
        holding = self._client.held(channel.ref(name))
        if holding is not None and channel.row.url in self._dialect.removals:
            channel.leaving.setdefault(name, None)
        if holding is not None and holding.accepted is not None and name in channel.again:
            return holding.accepted
        _settle(channel, name)
        return None

    def _note_partial(self, channel: Channel, name: str, *, whole: bool) -> None:
        if whole:
            channel.partial.discard(name)
        else:
            channel.partial.add(name)

    def _is_held_back(self, channel: Channel) -> bool:
        """Whether a first answer must wait until it is whole.

        Envoy takes the first answer to a wildcard for all there is, and starts. And where nobody knows what
        the client holds, a complete answer that leaves something out would delete it.
        """
        if channel.opaque:
            return bool(channel.waiting or channel.refused)
        return channel.owed and any(not one.hopeless for one in channel.waiting.values())

    def _without_rivals(self, channel: Channel, upserts: tuple[Resource, ...]) -> tuple[Resource, ...]:
        """What joined only, and now gives its address to a listener of the view, does so in this answer."""
        taken = {one.address for one in upserts if one.key.name not in channel.joined} - {""}
        for name in [name for name, one in channel.joined.items() if one.address in taken]:
            del channel.joined[name]
            _settle(channel, name)
            if self._client.held(channel.ref(name)) is not None:
                channel.leaving[name] = None
            upserts = tuple(one for one in upserts if one.key.name != name)
        return upserts

    def _removals(self, channel: Channel, upserts: tuple[Resource, ...], now: float) -> tuple[str, ...]:
        taken = frozenset(one.address for one in upserts) - {""}
        return tuple(
            name
            for name, since in sorted(channel.leaving.items())
            # Envoy removes first, then adds, so an address can change hands in one answer.
            if self._may_listen(channel, name, taken) or (since is not None and now >= self.leaves_at(since))
        )

    def _may_listen(self, channel: Channel, name: str, addresses: frozenset[str]) -> bool:
        """Whether what the client holds under this name may have one of these addresses."""
        holding = self._client.held(channel.ref(name))
        if holding is None or not addresses:
            return False
        known = {one.address for one in holding.versions()}
        stone = self._client.view.view.tombstones.get(channel.ref(name))
        if holding.unknown and stone is None:
            return True
        return not addresses.isdisjoint(known | ({stone.resource.address} if stone else set()))

    def _awaited_addresses(self, channel: Channel) -> frozenset[str]:
        """Addresses of listeners that have yet to come; who has one of them now keeps it until then."""
        names = channel.dirty | channel.refused.keys()
        shall = (self._client.target(channel, name) for name in names)
        return frozenset(one.address for one in shall if one is not None and one.address)


def _settle(channel: Channel, name: str) -> None:
    channel.dirty.discard(name)
    channel.again.discard(name)

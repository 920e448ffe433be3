"""One xDS stream without I/O: requests and views go in, answers and the next deadline come out.

May import `snapshot`, `fleet` and `names`. Time is an argument. A stream knows no codec, and what may go
out or leave is the ordering's to say. Newest state wins: one unacknowledged answer a type, and what
changes meanwhile only marks names, so a slow node costs nothing and gets the newest state next.
"""

from collections.abc import Callable
from dataclasses import replace

from meshctl.fleet.fleet import NodeStatus
from meshctl.fleet.node import GRPC, Node
from meshctl.fleet.tally import Version
from meshctl.names import CLUSTER, ENDPOINTS, Ref, TypeUrl
from meshctl.snapshot import ViewSnapshot
from meshctl.xds import answers, intake, inventory, report
from meshctl.xds.channel import Channel
from meshctl.xds.client import Client
from meshctl.xds.events import Dialect, Request, Send
from meshctl.xds.holding import Holding
from meshctl.xds.inventory import Inventory
from meshctl.xds.ordering import Ordering
from meshctl.xds.planning import Plan, Planner
from meshctl.xds.types import TYPES

STALLED_AFTER = 20.0
"""Seconds without progress after which a node is called stalled. An alarm only: nothing passes by it."""


class Stream:
    """One client on one stream."""

    def __init__(self, node: Node, *, ordering: Ordering, dialect: Dialect, now: float) -> None:
        self.node = node
        self._ordering, self._dialect, self._opened, self._now = ordering, dialect, now, now
        self._client = Client(is_envoy=node.client != GRPC)
        self._planner = Planner(self._client, ordering, dialect, now)
        self._effects: list[Send] = []
        self._gates: dict[TypeUrl, float] = {}
        self._nonces = 0
        self._revision = self._reached = 0
        self._heard = now

    @property
    def asked(self) -> int:
        """How many names the client asks for, of all types together."""
        return sum(len(channel.subscription.names) for channel in self._client.channels())

    def receive(self, request: Request, now: float) -> None:
        """Take in a request: what it answers and what it wants are two things, each on its own."""
        self._heard = now
        row = TYPES.get(request.type)
        if row is None:
            return  # a type that nobody here serves: the client waits, and nothing else suffers
        channel = self._client.open(row)
        answers.acknowledge(self._client, channel, request, self._dialect, now)
        intake.subscribe(self._client, channel, request, self._dialect, now)
        self._advance(now)

    def publish(self, view: ViewSnapshot, now: float, since: float | None = None) -> None:
        """From now on the node shall hold this view, at whatever revision the caller chose for it.

        `since`: when that was published, where it took a while to come here; for measuring alone.
        """
        known, before = self._client.known, self._client.view if self._client.known else view
        self._client.view = view
        if known:
            for ref in view.changed_since(before):
                self._changed(ref, now, now if since is None else since)
        else:
            for channel in self._client.channels():
                intake.begin(self._client, channel, self._dialect, now)
        for channel in self._client.channels():
            if channel.opaque and known:
                intake.join(self._client, channel, now)
            channel.mark(channel.partial, now)
        self._advance(now)

    def search(self, is_found: Callable[[Version], bool], *, turn: bool) -> None:
        """From the next event on: whether it may look for a culprit that nobody names; what others found."""
        self._client.is_found, self._client.turn = is_found, turn

    def in_doubt(self, now: float) -> bool:
        """Whether this node would look for one, and answers what it is sent for that."""
        return any(
            channel.trials.pending and not report.is_late(channel, now - STALLED_AFTER)
            for channel in self._client.channels()
        )

    def tick(self, now: float) -> None:
        """Time has come to a deadline."""
        self._advance(now)

    def take_effects(self) -> list[Send]:
        """The answers to send, in this order; each is told once."""
        effects, self._effects = self._effects, []
        return effects

    def deadline(self) -> float | None:
        """When to call `tick` if nothing happens before: something may leave or go out, or is late."""
        times = list(self._gates.values())
        for channel in self._client.channels():
            free = (since for since in channel.leaving.values() if since is not None)
            times += (self._planner.leaves_at(since) for since in free)
            times += (one.at for one in channel.retries.values() if one.at is not None)
            times += (since + STALLED_AFTER for since in report.waiting_since(channel))
        return min((time for time in times if time > self._now), default=None)

    def status(self, now: float) -> NodeStatus:
        """What is known of the node: for people, and for whoever must know what it may still hold."""
        state, reason = report.state(self._client, now - STALLED_AFTER)
        return NodeStatus(
            self.node,
            self._client.view.name if self._client.known else "",
            state,
            reason,
            types=report.types(self._client),
            refusals=report.refusals(self._client),
            revision=self._revision,
            reached=self._reached,
            connected_since=self._opened,
            returned=self._client.reconnected,
            last_seen=self._heard,
        )

    def holding(self, ref: Ref) -> Holding | None:
        """What the node has, or may have, under a name; None: surely nothing."""
        return self._client.held(ref) or self._client.untold(ref)

    def inventory(self, *, waiting: bool = False) -> Inventory:
        """What the node has and shall have, name by name; with `waiting` only what waits, which is cheap."""
        known = self._client.known
        return Inventory(
            self.node,
            self._client.view.name if known else "",
            self._client.view.revision if known else 0,
            tuple((inventory.waiting if waiting else inventory.items)(self._client)),
        )

    def _changed(self, ref: Ref, now: float, since: float) -> None:
        channel = self._client.channel(ref.type)
        if channel is None:
            return
        channel.unpark()
        channel.mark(channel.trials.changed(ref.name), now)
        if channel.subscription.covers(ref.name) or self._client.held(ref) is not None:
            channel.note(ref.name, since)
            channel.mark((ref.name,), now)

    def _advance(self, now: float) -> None:
        self._now = now
        if not self._client.known:
            return
        for channel in self._client.channels():
            channel.retry(now)
        self._plan(now)
        while self._planner.take_learned():  # what the client turned out to hold may let others go
            self._plan(now)
        channels = tuple(self._client.channels())
        if channels and not self._client.is_silent and all(channel.taken for channel in channels):
            self._reached = self._client.view.revision
            if all(channel.settled for channel in channels):
                self._revision = self._reached

    def _plan(self, now: float) -> None:
        for channel in self._client.channels():
            self._planner.review_leaving(channel, now)
            if channel.inflight is None and self._is_open(channel, now):
                plan = self._planner.plan(channel, now)
                if plan is not None:
                    self._send(channel, plan, now)
            self._planner.review_leaving(channel, now)

    def _is_open(self, channel: Channel, now: float) -> bool:
        """Whether the ordering lets this type speak by now."""
        self._gates.pop(channel.row.url, None)
        opens = self._ordering.earliest(channel.row.url, channel.since)
        if channel.unsent and opens > now:
            self._gates[channel.row.url] = opens
        return opens <= now

    def _send(self, channel: Channel, plan: Plan, now: float) -> None:
        self._nonces += 1
        self._hold(channel, plan)
        send = Send(
            channel.row.url,
            f"{self._nonces}",
            plan.upserts,
            plan.removed,
            channel.state if channel.row.complete else None,
            channel.refusals,
        )
        channel.inflight = send
        channel.told_since = channel.take_noted(one.key.name for one in plan.upserts)
        channel.status = replace(channel.status, sent=send.version, sent_at=now)
        self._settle(channel, plan, now)
        self._effects.append(send)
        if channel.row.url == CLUSTER:
            self._rewarm(plan, now)

    def _hold(self, channel: Channel, plan: Plan) -> None:
        """From now on the client may have what goes out, and may have lost what is taken away."""
        for resource in plan.upserts:
            ref = resource.ref
            before = self._client.held(ref) or Holding()
            self._client.holdings.put(ref, before.sent(resource))
            if channel.row.complete:
                channel.state = channel.state.insert(resource.key.name, resource)
        for name in plan.removed:
            holding = self._client.held(channel.ref(name))
            if holding is not None and holding.accepted is not None:
                channel.yielded[name] = holding.accepted
            if holding is not None:
                self._client.holdings.put(channel.ref(name), holding.taken_back())
            channel.state = channel.state.discard(name)

    def _settle(self, channel: Channel, plan: Plan, now: float) -> None:
        names = {one.key.name for one in plan.upserts}
        if plan.repeats:
            channel.dirty |= channel.rewarm
            channel.rewarm.clear()
        else:
            channel.dirty -= names
            channel.again -= names
            channel.absent.clear()
            channel.owed = False
        channel.since = now

    def _rewarm(self, plan: Plan, now: float) -> None:
        """Endpoints follow their clusters in the same breath."""
        names = {one.key.name for one in plan.upserts}
        channel = self._client.channel(ENDPOINTS)
        if channel is None:
            self._client.unwarmed |= names
        else:
            channel.mark((), now)
            self._client.rewarm(channel, names)

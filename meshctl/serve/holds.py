"""What is held back in views, because too many of their nodes refused it: noticed, published and told.

May import the fleet, `operations`, the snapshot, and its neighbours. Costs what is refused: nodes are counted
as they speak, and nobody walks over them.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from meshctl.fleet.fleet import NodeState, NodeStatus, Refusal
from meshctl.fleet.tally import Tally, Version, enough
from meshctl.names import Ref
from meshctl.operations.contents import with_contents
from meshctl.operations.holding import give_up, hold, last_good
from meshctl.serve.lines import word
from meshctl.serve.seats import Posts
from meshctl.serve.waves import Waves
from meshctl.snapshot import Contents, Held, Resource, Snapshot, View, ViewSnapshot
from meshctl.xds.types import TYPES, called

log = logging.getLogger(__name__)

Accepted = Callable[[str, Ref], Resource | None]
"""What a node, by its id, accepted last under a name."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A resource that no node of a view is given. `since` is in seconds of the epoch."""

    view: str
    ref: Ref
    held: Held

    def __str__(self) -> str:
        """Which one, and why, in one sentence."""
        return f"{called(self.ref)} is held back from {self.view}: {self.held.reason}"


class Holds:
    """All that is held back by one server. `accepted` is asked for what is still good."""

    def __init__(
        self, posts: Posts, waves: Waves, now: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        """`now` is the clock of the streams, `clock` that of the wall, both in seconds."""
        self.accepted: Accepted = lambda _node, _ref: None
        self._posts, self._waves, self._now, self._clock = posts, waves, now, clock
        self._tallies: dict[str, Tally] = {}
        self._due: dict[tuple[str, Ref, str], None] = {}
        self._held: dict[str, Mapping[Ref, Held]] = {}
        self._revision = -1
        waves.condemned = self._condemn

    # What happens.

    def hear(self, status: NodeStatus) -> None:
        """What is known of a node has changed."""
        tally = self._tallies.get(status.view)
        if tally is None:
            if not status.refusals:
                return
            tally = self._tallies[status.view] = Tally()
        new = tally.hear(status.node.id, tuple(one for one in status.refusals if not one.passing))
        post = self._posts.named(status.view)
        needed = enough(len(post.seats) if post else 0)
        self._condemn(
            status.view, [one for one in new if len(tally.refusing((one.ref, one.version))) >= needed]
        )
        if not tally:
            del self._tallies[status.view]

    def leave(self, view: str, node: str) -> None:
        """A stream of a node ended."""
        tally = self._tallies.get(view)
        if tally is not None:
            tally.hear(node, ())
            if not tally:
                del self._tallies[view]

    def took(self, snapshot: Snapshot) -> None:
        """A snapshot was published: what is held back is told, and what is not any more."""
        changes = snapshot.changes(self._revision)
        names = snapshot.views if changes is None else {name for change in changes for name in change.views}
        self._revision = snapshot.revision
        for name in names:
            view = snapshot.views.get(name)
            self._note(name, view.contents.held if view else {})

    # What to do.

    def due(self, snapshot: Snapshot) -> dict[str, View]:
        """The views as they shall be published now, without what their nodes refused."""
        due, self._due = self._due, {}
        found: dict[str, View] = {}
        for name, ref, version in due:
            view = found.get(name) or snapshot.views.get(name)
            if view is not None:
                contents = self._without(view, snapshot, (ref, version))
                if contents != view.contents:
                    found[name] = with_contents(view, contents, snapshot.revision + 1)
        return found

    # What is told.

    def all(self) -> list[HeldBack]:
        """All that is held back, by view and name."""
        return [one for view in sorted(self._held) for one in self.of(view)]

    def of(self, view: str) -> list[HeldBack]:
        """What is held back in one view, by name."""
        return [HeldBack(view, ref, one) for ref, one in sorted(self._held.get(view, {}).items())]

    def shown(self, status: NodeStatus) -> NodeStatus:
        """A status as people see it: who has all, but for what is held back, is held, or refused it."""
        held = self._held.get(status.view)
        if not held or status.state is not NodeState.SYNCED:
            return status
        told = self.of(status.view)
        own = [one for one in told if status.node.id in one.held.nodes]
        if not own:
            return replace(status, state=NodeState.HELD, reason=str(told[0]))
        refusals = tuple(self.refusal(one) for one in own)
        reason = f"{called(own[0].ref)} was refused: {own[0].held.reason}"
        return replace(status, state=NodeState.REFUSED, reason=reason, refusals=refusals)

    def refusal(self, one: HeldBack) -> Refusal:
        """What is held back as a refusal, in the clock of the streams."""
        ahead = self._clock() - self._now()
        return Refusal(one.ref, one.held.version, one.held.reason, one.held.since - ahead)

    def _condemn(self, view: str, refusals: Iterable[Refusal]) -> None:
        for one in refusals:
            self._due[(view, one.ref, one.version)] = None
            self._waves.changed()

    def _without(self, view: View, snapshot: Snapshot, version: Version) -> Contents:
        """The contents of a view once this version is not to be given to anybody."""
        ref, digest = version
        tally, contents = self._tallies.get(view.name, Tally()), view.contents
        refusing = tally.refusing(version)
        head = ViewSnapshot(snapshot, view).get
        newest = head(ref)
        if newest is not None and newest.version == digest and ref not in contents.held and refusing:
            try:
                kept = last_good(contents, ref, self._accepted(refusing, ref))
            except LookupError:
                return contents  # each node keeps its own
            reason = next(iter(refusing.values())).reason
            held = Held(digest, kept, reason, self._clock(), frozenset(refusing))
            return hold(contents, head, ref, held)
        led = contents.leading.get(ref)
        if led is not None and led.version == digest and contents.running:
            contents = give_up(contents, head, ref)
            if not contents.moving:  # what waits runs now
                return replace(contents, leading={}, leaders=self._waves.first(view.name))
        return contents

    def _accepted(self, nodes: Iterable[str], ref: Ref) -> Iterator[Resource]:
        return (one for one in (self.accepted(node, ref) for node in nodes) if one is not None)

    def _note(self, view: str, held: Mapping[Ref, Held]) -> None:
        known = self._held.pop(view, {})
        if held:
            self._held[view] = held
        for ref, one in held.items():
            if ref not in known or known[ref].version != one.version:
                log.error(
                    "held for a view: view=%s resource=%s type=%s version=%s nodes=%d reason=%r",
                    word(view),
                    word(ref.name),
                    TYPES[ref.type].short,
                    one.version,
                    len(one.nodes),
                    one.reason,
                )
        for ref in known.keys() - held.keys():
            log.info(
                "no longer held for a view: view=%s resource=%s type=%s",
                word(view),
                word(ref.name),
                TYPES[ref.type].short,
            )

"""What is held back in views, because too many of their nodes refused it or the first were silent: noticed,
published, and let go when one of the silent speaks.

May import the fleet, `operations`, the snapshot, the streams' holdings, and its neighbours. Costs what is
refused: nodes are counted as they speak. Only to find what was good before something that nobody who refused
it had before, all nodes of its view are asked, who are to be given another state then anyway.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from meshctl.fleet.fleet import NodeStatus, Refusal
from meshctl.fleet.silence import SILENCE
from meshctl.fleet.tally import Tally, enough
from meshctl.names import Ref
from meshctl.operations.at_once import Content
from meshctl.operations.contents import skipped, with_contents
from meshctl.operations.folding import refolded
from meshctl.operations.holding import Version, give_up, hold, hush, last_good, let_go, seen
from meshctl.serve.held import HeldBack, Told
from meshctl.serve.posts import Posts
from meshctl.serve.waves import Waves
from meshctl.snapshot import Contents, Held, Snapshot, View, ViewSnapshot
from meshctl.xds.holding import Holding

HoldingOf = Callable[[str, Ref], Holding | None]
"""What a connected node, by its id, has or may have under a name; None: surely nothing."""

_TOLD = 5  # nodes that were silent, by name


class Holds:
    """All that is held back by one server. `holding` is asked for what is still good."""

    def __init__(
        self, posts: Posts, waves: Waves, now: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        """`now` is the clock of the streams, `clock` that of the wall, both in seconds."""
        self.holding: HoldingOf = lambda _node, _ref: None
        self.told = Told(lambda: clock() - now())
        self._posts, self._waves, self._clock = posts, waves, clock
        self._tallies: dict[str, Tally] = {}
        self._refused: dict[tuple[str, Ref, str], None] = {}  # by too many, and not held back yet
        self._silent: dict[str, frozenset[str]] = {}  # the first nodes of a view, by their ids
        self._spoken: dict[str, None] = {}  # views in which one of the silent has spoken
        self._answered: dict[str, set[Version]] = {}  # never held back for silence again
        self._revision = -1

    # What happens.

    def hear(self, status: NodeStatus) -> None:
        """What is known of a node has changed."""
        if any(self._speaks(status, one) for one in self.told.of_node(status.view, status.node.id)):
            self._spoken[status.view] = None
            self._waves.agenda.stirred.set()
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
        names, self._revision = snapshot.views_since(self._revision), snapshot.revision
        for name in names:
            view = snapshot.views.get(name)
            self.told.note(name, view.contents.held if view else {})
            if view is None:
                self._answered.pop(name, None)

    # What to do.

    def due(self, snapshot: Snapshot) -> dict[str, View]:
        """The views as they shall be published now: without what their nodes refused or left unanswered."""
        for one in self._waves.failures():
            self._condemn(one.view, one.refused)
            if one.silent:
                self._silent[one.view] = one.silent
        refused, self._refused = self._refused, {}
        silent, self._silent = self._silent, {}
        spoken, self._spoken = self._spoken, {}
        concerned = {name for name, _, _ in refused} | silent.keys() | spoken.keys()
        found = {name: view for name in concerned if (view := snapshot.views.get(name)) is not None}
        for name, ref, version in refused:
            if view := found.get(name):
                found[name] = self._without(view, snapshot, (ref, version))
        for name, nodes in silent.items():
            if view := found.get(name):
                found[name] = self._hushed(view, snapshot, nodes)
        for name in spoken:
            if view := found.get(name):
                found[name] = self._answered_after_all(view, snapshot)
        return {name: view for name, view in found.items() if view is not snapshot.views[name]}

    def silenced(self) -> list[str]:
        """The views from which something is held back since nodes were silent."""
        return [name for name in self.told.views() if any(one.held.silent for one in self.told.of(name))]

    def skip(self, names: Iterable[str], snapshot: Snapshot) -> dict[str, View]:
        """Of these views, as they shall be published so that nobody waits for who was silent, the changed."""
        found: dict[str, View] = {}
        for name in names:
            view = snapshot.views[name]
            if silent := _silent(view.contents):
                known, _ = let_go(view.contents, ViewSnapshot(snapshot, view).get, silent)
                found[name] = with_contents(view, skipped(known), snapshot.revision + 1)
        return found

    # What is told.

    def all(self) -> list[HeldBack]:
        """All that is held back, by view and name."""
        return [one for view in self.told.views() for one in self.told.of(view)]

    def _condemn(self, view: str, refusals: Iterable[Refusal]) -> None:
        for one in refusals:
            self._refused[(view, one.ref, one.version)] = None
            self._waves.agenda.stirred.set()

    def _speaks(self, status: NodeStatus, one: HeldBack) -> bool:
        """Whether a node that was silent answers after all, or its process turns out to be alive.

        An Envoy that holds nothing was started anew: that one has shown nothing.
        """
        since = self.told.since(one)
        if not one.held.silent or (status.connected_since or 0.0) > since:
            return one.held.silent and status.returned
        heard = chain.from_iterable((of.acked_at, of.nacked_at) for of in status.types)
        return any(at is not None and at > since for at in heard)

    def _without(self, view: View, snapshot: Snapshot, version: Version) -> View:
        """The view once this version is not to be given to anybody."""
        ref, digest = version
        tally, contents = self._tallies.get(view.name, Tally()), view.contents
        refusing = tally.refusing(version)
        head = ViewSnapshot(snapshot, view).get
        newest = head(ref)
        if newest is not None and newest.version == digest and ref not in contents.held and refusing:
            try:
                kept = last_good(contents, version, self._held_by(view.name, refusing, ref))
            except LookupError:
                return view  # each node keeps its own
            reason = next(iter(refusing.values())).reason
            held = Held(digest, kept, reason, self._clock(), frozenset(refusing))
            return self._with(view, snapshot, hold(contents, head, {ref: held}))
        led = contents.leading.get(ref)
        if led is not None and led.version == digest and contents.running:
            contents = give_up(contents, head, ref)
        return self._with(view, snapshot, contents)

    def _hushed(self, view: View, snapshot: Snapshot, nodes: frozenset[str]) -> View:
        """The view once nobody is given the change that runs, since these nodes left it unanswered."""
        names = sorted(nodes)
        reason = f"no answer for {SILENCE:g} s from {', '.join(names[:_TOLD])}"
        held = Held("", None, reason, self._clock(), nodes, silent=True)
        head, but = ViewSnapshot(snapshot, view).get, self._answered.get(view.name, set())
        return self._with(view, snapshot, hush(view.contents, head, held, but))

    def _answered_after_all(self, view: View, snapshot: Snapshot) -> View:
        """The view once what was left unanswered goes out again, in waves.

        Not to be held back for silence again: a node that is slow would lose it each time it has taken it.
        """
        contents, head = view.contents, ViewSnapshot(snapshot, view).get
        names = _silent(contents)
        before = (one for one in self._answered.get(view.name, ()) if _is(head, one))
        self._answered[view.name] = {*before, *((ref, contents.held[ref].version) for ref in names)}
        known, change = let_go(contents, head, names)
        taken = refolded(view, known, change, seen(contents, head), self._waves)
        return self._with(view, snapshot, taken.contents)

    def _with(self, view: View, snapshot: Snapshot, contents: Contents) -> View:
        if contents == view.contents:
            return view
        if contents.running and not contents.moving:  # what waits runs now
            contents = replace(contents, leading={}, leaders=self._waves.first(view.name))
        return with_contents(view, contents, snapshot.revision + 1)

    def _held_by(self, view: str, refusing: Mapping[str, Refusal], ref: Ref) -> Iterator[Holding]:
        """What the nodes of a view hold under a name, those that refuse it first."""
        post = self._posts.named(view)
        others = (seat.node for seat in post.seats) if post else ()
        held = (self.holding(node, ref) for node in chain(refusing, others))
        return (one for one in held if one is not None)


def _is(head: Content, version: Version) -> bool:
    """Whether this is still what the newest has under its name."""
    ref, digest = version
    found = head(ref)
    return digest == ("" if found is None else found.version)


def _silent(contents: Contents) -> frozenset[Ref]:
    return frozenset(ref for ref, one in contents.held.items() if one.silent)

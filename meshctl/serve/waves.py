"""The changes that run through views in waves: who is given them, when the next are, and how far they are.

May import the fleet, `operations.contents`, the snapshot and the posts. Decides by `fleet.waves`, one run
a view; costs what happens, however many views there are.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from meshctl.fleet.fleet import NodeState, NodeStatus, Refusal
from meshctl.fleet.pace import Pace, ordered, size
from meshctl.fleet.waves import End, Lead, Run, Stop
from meshctl.names import Ref, ResourceKey
from meshctl.operations.contents import ended, overtaken, skipped, with_contents
from meshctl.operations.holding import seen
from meshctl.serve.agenda import Agenda
from meshctl.serve.lines import word
from meshctl.serve.posts import Posts
from meshctl.serve.progress import Wave, shown, wave_of, why_stopped
from meshctl.serve.seats import Post
from meshctl.snapshot import Snapshot, View, ViewSnapshot

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """What the first nodes of a view refused of its change, and those nodes where none of them answers."""

    view: str
    refused: Sequence[Refusal]
    silent: frozenset[str]


class Waves:
    """All runs of one server. `agenda` says when `due` may have something to do."""

    def __init__(
        self, posts: Posts, pace: Callable[[], Pace], now: Callable[[], float], counts_from: float
    ) -> None:
        """From `counts_from` on, the nodes that are connected count as all there are."""
        self.agenda = Agenda()
        self._posts, self._pace, self._now, self._counts_from = posts, pace, now, counts_from
        self._runs: dict[str, Run] = {}
        self._apart: set[str] = set()
        self._begun: set[str] = set()  # views whose leaders were chosen for a run that is not published yet
        self._stopped: dict[str, Stop] = {}
        self._failed: dict[str, Failure] = {}
        self._revision = -1
        self._known_pace = pace()

    # What `operations.folding` asks.

    def holders(self, key: ResourceKey) -> Collection[str]:
        """The views that hold a resource."""
        return self._posts.holders(key)

    def first(self, view: str) -> frozenset[str]:
        """The nodes that a new run begins with, by id."""
        self._begun.add(view)
        run, post = self._runs.get(view), self._posts.named(view)
        if run is not None and (heirs := run.heirs(self._now())):
            return heirs
        nodes = _nodes(post)
        if post is None or not nodes:
            return frozenset()
        return frozenset(ordered(nodes, post.sick)[: size(self._known_pace.shares[0], len(nodes))])

    def apart(self) -> Collection[str]:
        """The views in which somebody is not given the newest: a change runs, or something is held back."""
        return self._apart

    def superseded(self, view: str, names: frozenset[Ref]) -> bool:
        """Whether a run is stopped, and a change of these names makes it pointless."""
        run = self._runs.get(view)
        return run is not None and run.is_superseded(names, self._now())

    # What happens.

    def taking(self, snapshot: Snapshot) -> Iterator[None]:
        """A snapshot is published: runs begin, go on or end as its views say, a step each.

        Before its nodes are given it, so that no answer of theirs is missed.
        """
        names, self._revision = snapshot.views_since(self._revision), snapshot.revision
        for name in names:
            view = snapshot.views.get(name)
            is_apart = view is not None and (view.contents.running or view.contents.held)
            (self._apart.add if is_apart else self._apart.discard)(name)
            if view is not None and view.contents.running:
                self._follow(name, view, snapshot)
            elif self._runs.pop(name, None) is not None:
                self._stopped.pop(name, None)
                log.info("wave over: view=%s", word(name))
            yield
        self._begun.clear()

    def join(self, view: str, node: str) -> None:
        """A stream of a node opened."""
        if run := self._runs.get(view):
            self._know_sick(run, self._posts.named(view))
            run.join(node, self._now())
            self.agenda.stir(view)

    def leave(self, view: str, node: str) -> None:
        """A stream of a node ended."""
        post = self._posts.named(view)
        if post is not None and node not in _nodes(post):
            post.sick.discard(node)
        if run := self._runs.get(view):
            run.leave(node, self._now())
            self.agenda.stir(view)

    def hear(self, status: NodeStatus) -> None:
        """What is known of a node has changed."""
        post = self._posts.named(status.view)
        if post is not None:
            sick = status.state in (NodeState.REFUSED, NodeState.STALLED)
            (post.sick.add if sick else post.sick.discard)(status.node.id)
        if run := self._runs.get(status.view):
            run.hear(status, self._now())
            self.agenda.stir(status.view)

    def check_pace(self) -> None:
        """What mesh.yaml says of waves may have changed; it holds for what runs, too."""
        if self._pace() != self._known_pace:
            self._known_pace = self._pace()
            for name in self._runs:
                self.agenda.stir(name)

    # What to do.

    def due(self) -> Sequence[str]:
        """The views in which a wave may begin or a run be over, each named once: for `stepped`."""
        return self.agenda.due(self._now())

    def stepped(self, names: Iterable[str], snapshot: Snapshot) -> dict[str, View]:
        """Of these views, as they shall be published now, those where a wave begins or a run is over."""
        found: dict[str, View] = {}
        for name in names:
            run, view = self._runs.get(name), snapshot.views.get(name)
            if run is None or view is None:
                continue
            run.keep(self._known_pace)
            changed = self._step(name, run, view, snapshot.revision + 1)
            changed = changed or self._overtaken(name, run, ViewSnapshot(snapshot, view))
            if changed is not None:
                found[name] = changed
            else:
                self._wait(name, run)
        return found

    def failures(self) -> Iterable[Failure]:
        """What is wrong with changes, each told once: runs that are stopped, found by `stepped`."""
        failed, self._failed = self._failed, {}
        return failed.values()

    def running(self) -> Collection[str]:
        """The views in which a change runs."""
        return self._runs.keys()

    def skip(self, names: Iterable[str], snapshot: Snapshot) -> dict[str, View]:
        """Of these views, as they shall be published so that nothing waits any more, those where a run is."""
        views = {name: snapshot.views[name] for name in names if name in self._runs}
        return {
            name: with_contents(view, skipped(view.contents), snapshot.revision + 1)
            for name, view in views.items()
        }

    # What is told.

    def progress(self) -> list[Wave]:
        """All that runs, by view."""
        return [wave_of(name, self._runs[name], self._now()) for name in sorted(self._runs)]

    def shown(self, statuses: Iterable[NodeStatus]) -> list[NodeStatus]:
        """Statuses as people see them: a node that has all it was given is held if a wave has yet to come."""
        return shown(statuses, self._runs, self._now())

    def _follow(self, name: str, view: View, snapshot: Snapshot) -> None:
        """A run begins, or the one that goes on was given to more nodes, or became another change."""
        run, moving, leaders = self._runs.get(name), _moving(view, snapshot), view.contents.leaders
        if run is None or name in self._begun:
            self._stopped.pop(name, None)
            run = self._runs[name] = self._begin(name, view, moving, snapshot.revision)
        else:
            run.amend(moving, self._now())
            if leaders != run.leaders:
                run.lead(leaders, self._now(), revision=snapshot.revision)
        log.info(
            "wave: view=%s leaders=%d nodes=%d names=%d", word(name), len(leaders), run.nodes, len(moving)
        )
        self.agenda.stir(name)

    def _begin(self, name: str, view: View, moving: Mapping[Ref, str], revision: int) -> Run:
        post = self._posts.named(name)
        run = Run(
            self._known_pace,
            view.contents.leaders,
            moving,
            self._now(),
            revision=revision,
            counts_from=self._counts_from,
        )
        self._know_sick(run, post)
        for seat in post.seats if post else ():
            run.join(seat.node, self._now())
        return run

    def _know_sick(self, run: Run, post: Post | None) -> None:
        if post is not None:
            run.sick = post.sick

    def _step(self, name: str, run: Run, view: View, revision: int) -> View | None:
        match run.step(self._now()):
            case None:
                return None
            case Lead(nodes):
                leaders = view.contents.leaders | nodes
                return with_contents(view, replace(view.contents, leaders=leaders), revision)
            case End():
                contents = ended(view.contents)
                if contents.running:
                    contents = replace(contents, leaders=self.first(name))
                return with_contents(view, contents, revision)

    def _overtaken(self, name: str, run: Run, newest: ViewSnapshot) -> View | None:
        """The view once what waits takes the place of a run, as it would if it came now."""
        view = newest.view
        if not run.is_overtaken(frozenset(view.contents.leading), self._now()):
            return None
        contents = overtaken(view.contents, seen(view.contents, newest.get))
        if contents.running:
            contents = replace(contents, leaders=self.first(name))
        return with_contents(view, contents, newest.revision + 1)

    def _wait(self, name: str, run: Run) -> None:
        now = self._now()
        deadline, stop = run.deadline(now), run.stop(now)
        if deadline is not None:
            self.agenda.arm(name, deadline)
        known = self._stopped.pop(name, None)
        if stop is not None:
            self._failed[name] = Failure(name, run.condemned(now), run.silent(now))
            self._stopped[name] = stop
            if stop != known:
                log.error("wave stopped: view=%s wave=%d reason=%r", word(name), run.wave, why_stopped(stop))


def _nodes(post: Post | None) -> set[str]:
    return {seat.node for seat in post.seats} if post else set()


def _moving(view: View, snapshot: Snapshot) -> dict[Ref, str]:
    """The versions of what leaders have otherwise than the others; "" for what they do not have."""
    newest = snapshot.view(view.name)
    led = None if newest is None else newest.under(view.contents.led)
    found = {ref: led.get(ref) if led else None for ref in view.contents.moving}
    return {ref: one.version if one else "" for ref, one in found.items()}

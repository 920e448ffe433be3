"""The one place that turns changes of the catalog into snapshots, and hands views of them to streams.

May import all layers below. What may be served is decided by `operations.admit`; when, by this rule:

- At the start nothing is answered until the catalog was read. If it can be published, with last good texts
  from disk in place of broken ones, it is served.
- A catalog that cannot be published at the start (no folder, no mesh.yaml, nothing good to fall back on) may
  be a disk that is not mounted yet. Then the last good state is *provisional*: it is given to nodes that
  hold nothing, if it is young enough; others are refused and keep what they have. A mesh.yaml that is
  broken, and not missing, is served by its last good text, like any entry.
- Once something was published, nothing takes it away: a mesh.yaml that goes missing stays at its last good
  text, and no other file counts as deleted until it is back.
- A valid change that loses too much (`operations.guard`) leaves the losses served until they are confirmed.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from meshctl.catalog.folder import MESH_FILE
from meshctl.envoy.decode import same_resource
from meshctl.fleet.fleet import REMEMBERED, Fleet, NodeStatus
from meshctl.fleet.node import Node
from meshctl.fleet.pace import RETURN, Pace
from meshctl.mesh.waves import WAVES
from meshctl.names import ViewKey
from meshctl.operations.compile import WATCHED, Compiler, Draft
from meshctl.operations.folding import folded
from meshctl.operations.guard import Losses, NotGuarded
from meshctl.operations.keep import Same
from meshctl.operations.resolve import Resolver
from meshctl.serve import announce
from meshctl.serve.catalog import Catalog, Made
from meshctl.serve.holds import Holds
from meshctl.serve.last_good import LastGood
from meshctl.serve.posts import Posts
from meshctl.serve.seats import Post, Seat, Wake
from meshctl.serve.slices import finish
from meshctl.serve.standing import Standing, described, refused
from meshctl.serve.tombstones import Tombstones
from meshctl.serve.turn import Turn
from meshctl.serve.wanted import Wanted
from meshctl.serve.waves import Waves
from meshctl.snapshot import Snapshot, View
from meshctl.snapshot.disk import State
from meshctl.units import Duration
from meshctl.xds.views import NotLoadedError

log = logging.getLogger(__name__)

_NO_MESH = f"the catalog has no {MESH_FILE}"

_COMING = "its view is compiled as soon as the change that is being made is published"

_TOGETHER = 256
"""Views in which waves begin or end in one publication: those of thousands end at the same time."""

Save = Callable[[Mapping[str, bytes | None], Snapshot], None]


class Publisher:
    """Gives out what the catalog came to; not to be used by two threads at once.

    `now` is the clock of the streams, `clock` that of the wall, both in seconds. Within `returns_s` seconds
    of a restart all nodes are back.
    """

    def __init__(
        self,
        fleet: Fleet,
        state: State | None,
        *,
        stale_limit: Duration,
        save: Save | None = None,
        same: Same = same_resource,
        now: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
        returns_s: float = RETURN,
    ) -> None:
        self.standing = Standing()
        self._last_good = LastGood(state, stale_limit, now, clock)
        self._save, self._clock = save, clock
        resolver, started = Resolver(WATCHED), now()
        resolver.graph.keep(WAVES, "")
        self._posts = Posts()
        self.waves = Waves(
            self._posts, partial(_pace, resolver), now, started + (returns_s if state else 0.0)
        )
        base = state.snapshot if state else None
        self.holds = Holds(self._posts, self.waves, now, clock)
        self._compiler = Compiler(resolver, base, same, partial(folded, runs=self.waves))
        finish(self.waves.taking(self._compiler.snapshot))
        self.holds.took(self._compiler.snapshot)
        self.turn = Turn(lambda: finish(self._publishing({})))
        tombstones = Tombstones(fleet, started + (REMEMBERED if state else 0.0))
        self._wanted = Wanted(self._posts, self._compiler, self.turn, tombstones, now)
        self.catalog = Catalog(self._compiler, state.texts if state else {}, self._wanted, now)

    def begin(self, made: Made, lacks: str = _NO_MESH) -> None:
        """Answer from now on, with what `read` came to; `lacks` says why where there was nothing to read."""
        finish(self.settling(made, lacks))

    def confirmed(self, digest: str, who: str) -> tuple[Losses, Made]:
        """Let go what is guarded under this hash: what that was, and what comes of it, for `settling`.

        Raises NotGuarded, also of what was never told.
        """
        if not self.standing.guarded.files:
            raise NotGuarded("")
        return self.catalog.confirm(digest, who)

    def settling(self, made: Made, lacks: str = _NO_MESH) -> Iterator[None]:
        """Publish what was made of a change, in small steps; between these others may have their turn."""
        known, guarded, outcome = self.standing.held, self.standing.guarded, made.outcome
        if not outcome.published:
            newest = self._compiler.snapshot.revision
            self.standing = refused(self.standing, outcome, newest, lacks, self._last_good)
            log.error("catalog not usable: revision=%d reason=%r", newest, self.standing.reason)
        else:
            if self.standing.live:
                yield from self._publishing(outcome.changes, made.draft)
            else:
                self._go_live(made)
            self.waves.check_pace()
            self.standing = described(self.standing, outcome, self.catalog.good)
        revision = self.standing.revision
        announce.published(outcome, known, revision, is_empty=self.catalog.is_empty)
        announce.guarded(self.standing.guarded, guarded.hash)

    def _go_live(self, made: Made) -> None:
        """Publish for the first time, all at once: no stream may be given what was before any more."""
        self.standing = replace(self.standing, live=True, provisional=False)
        if made.draft is None:
            self._wanted.compile()
        finish(self._publishing(made.outcome.changes, made.draft, always=True))
        self._posts.wake_all()

    def open(self, node: Node, wake: Wake) -> Seat:
        """A stream's seat; its view is compiled if it is the first.

        Raises NotLoadedError, ValueError for a node that says what no view can be made of, and Overstepped
        where its service has too many different ones.
        """
        self._check_loaded()
        post = self._wanted.post(node.view_key)
        seat = Seat(post, node.id, wake, lambda: self.standing.provisional, self._left)
        self.waves.join(post.key.name, node.id)
        return seat

    def advancing(self) -> Iterator[None]:
        """Begin the waves that are due, end those that have reached all, and hold back what is too bad.

        In small steps, within a turn.
        """
        if not self.standing.live:
            return
        for names in _portions(self.waves.due()):
            yield from self._revising(self.waves.stepped(names, self._compiler.snapshot))
        yield from self._revising(self.holds.due(self._compiler.snapshot))

    def _revising(self, views: Mapping[str, View]) -> Iterator[None]:
        """Publish views of which other nodes are given other things than before."""
        if views:
            self._compiler.revise(views)
            yield from self._publishing({})
        yield

    def hear(self, status: NodeStatus) -> None:
        """What is known of a node has changed."""
        self.waves.hear(status)
        self.holds.hear(status)

    def shown(self, statuses: Iterable[NodeStatus]) -> list[NodeStatus]:
        """Statuses as people see them: they tell, too, what keeps a node from the newest."""
        return self.waves.shown(self.holds.told.shown(statuses))

    def skippable(self) -> list[str]:
        """The views in which nodes wait, for others of them or because those were silent."""
        return sorted({*self.waves.running(), *self.holds.silenced()}) if self.standing.live else []

    def skipping(self, views: Sequence[str], who: str) -> Iterator[None]:
        """Give all nodes of these views the newest, in small steps; `who` is for the log. Within a turn."""
        log.warning("waves skipped: by=%r views=%d", who, len(views))
        for names in _portions(views):
            snapshot = self._compiler.snapshot
            yield from self._revising(
                {**self.waves.skip(names, snapshot), **self.holds.skip(names, snapshot)}
            )

    def tending(self) -> Iterator[None]:
        """Let go of what no node of the last hour needs, in small steps; every minute, within a turn."""
        self._wanted.tend()
        yield
        if self.standing.live:
            yield from self._publishing({})

    def unknown(self, key: ViewKey) -> str | None:
        """Why there is nothing for a view: what the catalog does not declare, with the nearest name.

        None if it declares all and the view is not on its way either.
        """
        if not self.standing.live:
            return self.standing.reason
        return self._compiler.knows(key) or (_COMING if self._wanted.is_coming(key) else None)

    def is_coming(self, key: ViewKey) -> bool:
        """Whether the catalog declares all for a view that is published when the turn that goes on ends."""
        return self._wanted.is_coming(key) and self._compiler.knows(key) is None

    def _check_loaded(self) -> None:
        if not self.standing.live and (not self.standing.provisional or self._last_good.is_stale):
            raise NotLoadedError(self.standing.reason)

    def _publishing(
        self, texts: Mapping[str, bytes | None], draft: Draft | None = None, *, always: bool = False
    ) -> Iterator[None]:
        """Publish what changed, `draft` if that is compiled already, and give it out."""
        yield from self._compiler.publishing(draft or self._compile())
        snapshot = self._compiler.snapshot
        if not always and not texts and snapshot.revision == self.standing.revision:
            return
        self.standing = replace(self.standing, revision=snapshot.revision, published_at=self._clock())
        if self._save is not None:  # begun before nodes have it: giving it out may take a second
            self._save(texts, snapshot)
        yield from self.waves.taking(snapshot)
        self.holds.took(snapshot)
        yield from self._posts.publishing(snapshot)

    def _compile(self) -> Draft:
        self.turn.catch_up()
        return self._compiler.compile()

    def _left(self, post: Post, seat: Seat) -> None:
        self.waves.leave(post.key.name, seat.node)
        self.holds.leave(post.key.name, seat.node)
        self._wanted.left(post)


def _pace(resolver: Resolver) -> Pace:
    facts = resolver.graph.value(WAVES, "")
    return Pace(facts.shares, facts.hold.seconds)


def _portions(views: Sequence[str]) -> Iterator[Sequence[str]]:
    return (views[first : first + _TOGETHER] for first in range(0, len(views), _TOGETHER))

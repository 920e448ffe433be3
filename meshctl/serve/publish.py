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
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from meshctl.catalog.folder import MESH_FILE
from meshctl.catalog.source import Source
from meshctl.envoy.decode import same_resource
from meshctl.fleet.fleet import REMEMBERED, Fleet, NodeStatus
from meshctl.fleet.node import Node
from meshctl.fleet.pace import RETURN, Pace
from meshctl.mesh.waves import WAVES
from meshctl.names import CLUSTER, Ref, ViewKey, parse_cluster
from meshctl.operations.admit import Admission, Outcome, ReadEntry
from meshctl.operations.compile import WATCHED, Compiler, Draft
from meshctl.operations.folding import folded
from meshctl.operations.guard import Losses, NotGuarded
from meshctl.operations.keep import Same
from meshctl.operations.proposal import Basis
from meshctl.operations.resolve import Resolver
from meshctl.problems import Span
from meshctl.serve import announce
from meshctl.serve.holds import Holds
from meshctl.serve.last_good import LastGood
from meshctl.serve.lines import word
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

_TOGETHER = 256
"""Views in which waves begin or end in one publication: those of thousands end at the same time."""

Save = Callable[[Mapping[str, bytes | None], Snapshot], None]


@dataclass(frozen=True, slots=True)
class Made:
    """What a change of the catalog came to; `draft`: what of it is compiled already, None: nothing."""

    outcome: Outcome
    draft: Draft | None = None


class Publisher:
    """Owns the compiler; not to be used by two threads at once.

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
        self.resolver = Resolver(WATCHED)
        self.resolver.graph.keep(WAVES, "")
        self.standing = Standing()
        self._last_good = LastGood(state, stale_limit, now, clock)
        self._save, self._now, self._clock = save, now, clock
        self._admission = Admission(self.resolver, state.texts if state else {}, self._used)
        self._posts, started = Posts(), now()
        self.waves = Waves(self._posts, self._pace, now, started + (returns_s if state else 0.0))
        base = state.snapshot if state else None
        self.holds = Holds(self._posts, self.waves, now, clock)
        self._compiler = Compiler(self.resolver, base, same, partial(folded, runs=self.waves))
        finish(self.waves.taking(self._compiler.snapshot))
        self.holds.took(self._compiler.snapshot)
        self.turn = Turn(lambda: finish(self._publishing({})))
        tombstones = Tombstones(fleet, started + (REMEMBERED if state else 0.0))
        self._wanted = Wanted(self._posts, self._compiler, self.turn, tombstones, now)

    def read(self, texts: Mapping[str, bytes | None]) -> Made:
        """Take in all files of the catalog, at the start. The slow part: may run in a thread of its own."""
        outcome = self._admission.change({**dict.fromkeys(self._admission.good), **texts}, self._now())
        if not outcome.published:
            return Made(outcome)
        self._wanted.compile()
        return Made(outcome, self._compiler.compile())

    def begin(self, made: Made, lacks: str = _NO_MESH) -> None:
        """Answer from now on, with what `read` came to; `lacks` says why where there was nothing to read."""
        finish(self.settling(made, lacks))

    def change(
        self, texts: Mapping[str, bytes | None], sources: Mapping[str, Source] = MappingProxyType({})
    ) -> None:
        """Take in files that came, changed or went (None), and publish what that changes.

        `sources` are those of the texts that are read already (`operations.admit.read_sources`).
        """
        finish(self.settling(self.compiled(texts, sources)))

    def compiled(
        self, texts: Mapping[str, bytes | None], sources: Mapping[str, Source] = MappingProxyType({})
    ) -> Made:
        """What comes of such files: the slow part of a change, for `settling`.

        Within a `turn` it may be done in any thread.
        """
        return self._made(self._admission.change(texts, self._now(), sources))

    def confirm(self, digest: str, who: str) -> Losses:
        """Let go what is guarded under this hash, and say what that was; `who` is for the log.

        Raises NotGuarded.
        """
        taken, made = self.confirmed(digest, who)
        finish(self.settling(made))
        return taken

    def confirmed(self, digest: str, who: str) -> tuple[Losses, Made]:
        """What comes of a confirmation: its slow part, as `compiled` is that of a change."""
        if not self.standing.guarded.files:
            raise NotGuarded("")
        taken, outcome = self._admission.confirm(digest, self._now())
        log.warning("confirmed: by=%r hash=%s losses=%r", who, word(digest), ", ".join(taken.names))
        return taken, self._made(outcome)

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
            self.standing = described(self.standing, outcome, self._admission.good)
        revision = self.standing.revision
        announce.published(outcome, known, revision, is_empty=not self._has_entries())
        announce.guarded(self.standing.guarded, guarded.hash)

    def _go_live(self, made: Made) -> None:
        """Publish for the first time, all at once: no stream may be given what was before any more."""
        self.standing = replace(self.standing, live=True, provisional=False)
        if made.draft is None:
            self._wanted.compile()
        finish(self._publishing(made.outcome.changes, made.draft, always=True))
        self._posts.wake_all()

    def _made(self, outcome: Outcome) -> Made:
        return Made(outcome, self._compiler.compile() if outcome.published and self.standing.live else None)

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

    def advance(self) -> None:
        """Begin the waves that are due, end those that have reached all, and hold back what is too bad."""
        finish(self.advancing())

    def advancing(self) -> Iterator[None]:
        """As `advance`, in small steps; within a `turn`."""
        if not self.standing.live:
            return
        names = self.waves.due()
        for first in range(0, len(names), _TOGETHER):
            yield from self._revising(
                self.waves.stepped(names[first : first + _TOGETHER], self._compiler.snapshot)
            )
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

    def skip_waves(self, who: str) -> list[str]:
        """Give all nodes the newest, now, and say in which views; `who` is for the log."""
        snapshot, views = self._compiler.snapshot, dict[str, View]()
        if self.standing.live:
            views = {**self.waves.skip(snapshot), **self.holds.skip(snapshot)}
        log.warning("waves skipped: by=%r views=%d", who, len(views))
        if views:
            self._compiler.revise(views)
            finish(self._publishing({}))
        return sorted(views)

    def entries(self) -> list[ReadEntry]:
        """The files of the catalog as they were read last, by file."""
        return self._admission.entries()

    def basis(self) -> Basis:
        """What is served now, to plan a change on in any thread; costs a copy of what files there are."""
        snapshot = self._compiler.snapshot
        admission = self._admission.twin(Resolver(WATCHED), lambda: _services(snapshot.views.values()))
        return Basis(admission, snapshot, tuple(post.key for post in self._posts))

    def tend(self) -> None:
        """Let go of what no node of the last hour needs; to be called every minute, within a turn."""
        self._wanted.tend()
        if self.standing.live:
            finish(self._publishing({}))

    def unknown(self, key: ViewKey) -> str | None:
        """Why there is nothing for a view: what the catalog does not declare, with the nearest name.

        None if it declares all.
        """
        return self._compiler.knows(key) if self.standing.live else self.standing.reason

    def places(self, view: str, ref: Ref, words: str) -> list[Span]:
        """The catalog's lines behind a resource of a view, as they stand now; `words`: Envoy's, of it."""
        return [self.resolver.locate(place) for place in self._compiler.places(view, ref, words)]

    def reaches(self, view: str) -> frozenset[str]:
        """The services that nodes of a view can reach; none where there is no such view."""
        found = self._compiler.snapshot.views.get(view)
        return _services([found] if found else [])

    def _used(self) -> frozenset[str]:
        """The services that a node can reach: those with clusters in a view that is wanted."""
        return _services(self._compiler.snapshot.views.values())

    def _has_entries(self) -> bool:
        return any(source.team for source in self.resolver.sources.values())

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

    def _pace(self) -> Pace:
        facts = self.resolver.graph.value(WAVES, "")
        return Pace(facts.shares, facts.hold.seconds)


def _services(views: Iterable[View]) -> frozenset[str]:
    """The services of the clusters in these views."""
    clusters = {key.name for view in views for key in view.keys.values() if key.type == CLUSTER}
    return frozenset(parse_cluster(name)[0] for name in clusters)

"""The catalog of one server: what its files come to when they change, and what is asked about them.

May import the compiler, `operations`, the snapshot and the wanted views beside it.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from meshctl.catalog.source import Source
from meshctl.names import CLUSTER, Ref, parse_cluster
from meshctl.operations.admit import Admission, Outcome, ReadEntry
from meshctl.operations.compile import WATCHED, Compiler, Draft
from meshctl.operations.guard import Losses
from meshctl.operations.proposal import Basis
from meshctl.operations.resolve import Resolver
from meshctl.problems import Span
from meshctl.serve.lines import word
from meshctl.serve.wanted import Wanted
from meshctl.snapshot import View

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """What a change of the catalog came to; `draft`: what of it is compiled already, None: nothing."""

    outcome: Outcome
    draft: Draft | None = None


class Catalog:
    """Takes in files, and compiles what may be served of them: the slow part of each change.

    That may be done in any thread, within a turn; what it made has to be published next.
    """

    def __init__(
        self, compiler: Compiler, good: Mapping[str, bytes], wanted: Wanted, now: Callable[[], float]
    ) -> None:
        """`good` are the texts that were served before a restart; `now` is in seconds."""
        self.resolver = compiler.resolver
        self._compiler, self._wanted, self._now = compiler, wanted, now
        self._admission = Admission(self.resolver, good, self._used)

    def read(self, texts: Mapping[str, bytes | None]) -> Made:
        """Take in all files there are, at the start."""
        outcome = self._admission.change({**dict.fromkeys(self.good), **texts}, self._now())
        if outcome.published:
            self._wanted.compile()
        return self._made(outcome)

    def change(
        self, texts: Mapping[str, bytes | None], sources: Mapping[str, Source] = MappingProxyType({})
    ) -> Made:
        """Take in files that came, changed or went (None).

        `sources` are those of the texts that are read already (`operations.admit.read_sources`).
        """
        return self._made(self._admission.change(texts, self._now(), sources))

    def confirm(self, digest: str, who: str) -> tuple[Losses, Made]:
        """Let go what is guarded under this hash, and say what that was; `who` is for the log.

        Raises NotGuarded.
        """
        taken, outcome = self._admission.confirm(digest, self._now())
        log.warning("confirmed: by=%r hash=%s losses=%r", who, word(digest), ", ".join(taken.names))
        return taken, self._made(outcome)

    @property
    def good(self) -> Mapping[str, bytes]:
        """The texts that are served, by file."""
        return self._admission.good

    @property
    def is_empty(self) -> bool:
        """Whether no team has an entry."""
        return not any(source.team for source in self.resolver.sources.values())

    def entries(self) -> list[ReadEntry]:
        """The files as they were read last, by file."""
        return self._admission.entries()

    def basis(self) -> Basis:
        """What is served now, to plan a change on in any thread; costs a copy of what files there are."""
        snapshot = self._compiler.snapshot
        admission = self._admission.twin(Resolver(WATCHED), lambda: _services(snapshot.views.values()))
        return Basis(admission, snapshot, self._wanted.keys())

    def places(self, view: str, ref: Ref, words: str) -> list[Span]:
        """The lines behind a resource of a view, as they stand now; `words`: Envoy's, of it."""
        return [self.resolver.locate(place) for place in self._compiler.places(view, ref, words)]

    def reaches(self, view: str) -> frozenset[str]:
        """The services that nodes of a view can reach; none where there is no such view."""
        found = self._compiler.snapshot.views.get(view)
        return _services([found] if found else [])

    def _made(self, outcome: Outcome) -> Made:
        compiles = outcome.published and self._wanted.are_compiled
        return Made(outcome, self._compiler.compile() if compiles else None)

    def _used(self) -> frozenset[str]:
        """The services that a node can reach: those with clusters in a view that is wanted."""
        return _services(self._compiler.snapshot.views.values())


def _services(views: Iterable[View]) -> frozenset[str]:
    """The services of the clusters in these views."""
    clusters = {key.name for view in views for key in view.keys.values() if key.type == CLUSTER}
    return frozenset(version[0] for name in clusters if (version := parse_cluster(name)))

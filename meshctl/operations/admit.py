"""Which texts of a catalog are served: atomic by entry, the others go on.

May import the catalog and what resolves it; no protobuf. A file that does not parse or resolve stays at its
last good text. Where the mix does not resolve, those of the changed files that take part go back too, the
one that changed last first, until it does. What would lose too much (`operations.guard`) waits likewise.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from types import MappingProxyType

from meshctl.catalog.folder import MESH_FILE
from meshctl.catalog.source import Kind, Source, read_source
from meshctl.operations.forms import FOUNDATION, NAME_ONLY, served_source
from meshctl.operations.guard import Guard, Losses
from meshctl.operations.resolve import Resolver
from meshctl.operations.trial import Trial
from meshctl.problems import Finding


def content_hash(text: bytes | None) -> str:
    """Stands for the bytes of a file; "" for no file."""
    return "" if text is None else sha256(text).hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one change of the catalog came to.

    `changes` are the served texts that changed (None: no longer served, `NAME_ONLY`: the name alone).
    `held` says of each file that is not served as it stands on disk why, in lines of the refused text.
    `published`: whether what the resolver now holds may be served. `guarded` is what the files on disk would
    take away, and does not go before it is confirmed.
    """

    changes: Mapping[str, bytes | None]
    held: Mapping[str, tuple[Finding, ...]]
    published: bool
    guarded: Losses = field(default_factory=Losses)


def read_sources(texts: Mapping[str, bytes | None]) -> dict[str, Source]:
    """The files of a change, read: half of the work of a large one, which may be done in any thread."""
    return {file: read_source(file, text) for file, text in texts.items() if text is not None}


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """One file as it was read last: the hash of its bytes, "" if it is gone; and whether it is served so."""

    file: str
    hash: str
    served: bool


class Admission:
    """Decides, change by change, which text of each file a resolver holds.

    `good` are the texts that are served, `wanted` those on disk. What `good` holds resolves without a
    problem, always. A file that never was good is served as its name alone (`NAME_ONLY`), so that one
    mistake gives one message.
    """

    def __init__(
        self,
        resolver: Resolver,
        good: Mapping[str, bytes] = MappingProxyType({}),
        used: Callable[[], Collection[str]] = frozenset,
    ) -> None:
        """`good` are the texts that were served before a restart; `resolver` holds nothing yet.

        `used` gives the names of the services that some node can reach.
        """
        self.resolver = resolver
        self._guard, self._used = Guard(), used
        self.good: dict[str, bytes] = dict(good)
        self.wanted: dict[str, bytes] = dict(good)
        self._pending: dict[str, int] = {}  # what is not served as it stands on disk: when it changed last
        self._sources: dict[str, Source] = {}  # the pending ones as they stand on disk, read once
        self._loaded: Mapping[str, Source] = {}  # of the good texts, what is read already
        self._changes = 0
        self._live = False  # whether anything was served by this process

    def twin(self, resolver: Resolver, used: Callable[[], Collection[str]]) -> "Admission":
        """Another one, which serves the same and has a resolver of its own: for a change only thought of.

        It costs a copy of what files there are. The twin's own changes may then be made in any thread, and
        leave this one as it is. `resolver` holds nothing yet; `used` as at the beginning.
        """
        made = Admission(resolver, self.good, used)
        made._guard, made._live = self._guard.copy(), self._live
        made._loaded = dict(self.resolver.sources)
        return made

    def change(
        self,
        texts: Mapping[str, bytes | None],
        now: float = 0.0,
        sources: Mapping[str, Source] = MappingProxyType({}),
    ) -> Outcome:
        """Files that came, changed or went (None); what was held before is tried again with them.

        `now` is in seconds of any clock that is always the same. `sources` are those of the texts that are
        read already (`read_sources`).
        """
        if not self._changes:
            self.resolver.change({file: self.served(file) for file in self.good})
        self._note(texts)
        self._sources.update((file, sources[file]) for file in sources.keys() & self._pending.keys())
        if not self._live and MESH_FILE not in self.wanted:
            return Outcome({}, {}, published=False)
        candidates = self._candidates()
        guarded = self._guarded(candidates, now)
        trial = Trial(self.resolver, self.good, self._pending, candidates, guarded.kept)
        if not trial.run() or not (self._live or self._is_founded(trial.served())):
            trial.abandon()
            return Outcome({}, trial.held(), published=False)
        self._live = True
        self._guard.settle(self._services, now)
        return Outcome(self._accept(trial.served()), trial.held(), published=True, guarded=guarded)

    def confirm(self, digest: str, now: float = 0.0) -> tuple[Losses, Outcome]:
        """Let go what is guarded under this hash: what that is, and what it came to. Raises NotGuarded."""
        taken = self._guard.confirm(digest)
        return taken, self.change({}, now)

    def entries(self) -> list[ReadEntry]:
        """All files that are on disk, or are served though they are not, by file."""
        files = sorted({*self.wanted, *self.good})
        return [
            ReadEntry(file, content_hash(self.wanted.get(file)), file not in self._pending) for file in files
        ]

    def _guarded(self, candidates: Mapping[str, Source | None], now: float) -> Losses:
        """What these files would take away; nothing where one, or another of its name, is broken."""
        before = {file: self.resolver.sources.get(file) for file in candidates}
        broken = {file for file, source in candidates.items() if source and source.problems}
        names = {PurePosixPath(file).stem for file in broken}
        gone = {file for file, source in candidates.items() if source is None}
        if MESH_FILE in self.wanted:  # without it no deletion counts, so none is a loss
            gone = {file for file in gone if PurePosixPath(file).stem in names}
        after = {**candidates, **{file: before[file] for file in broken | gone}}
        return self._guard.weigh(before, after, self._services, self._used, now)

    def _services(self) -> frozenset[str]:
        """The names of the services that are served, but for those that are served as a name alone."""
        loaded = self.resolver.sources.values()
        return frozenset(one.name for one in loaded if one.kind is Kind.SERVICE and one.entry is not None)

    def served(self, file: str) -> Source:
        """One of the good texts as it is loaded."""
        return self._loaded.get(file) or served_source(file, self.good[file])

    def _note(self, texts: Mapping[str, bytes | None]) -> None:
        self._changes += 1
        for file, text in texts.items():
            if text is None:
                self.wanted.pop(file, None)
            else:
                self.wanted[file] = text
            self._sources.pop(file, None)
            if self._is_settled(file):
                self._pending.pop(file, None)
            else:
                self._pending[file] = self._changes

    def _is_settled(self, file: str) -> bool:
        # An empty file is no entry: it differs from the empty text that stands for a name.
        wanted = self.wanted.get(file)
        return wanted == self.good.get(file) and wanted != NAME_ONLY

    def _candidates(self) -> dict[str, Source | None]:
        """What the pending files say on disk; None: deleted."""
        found: dict[str, Source | None] = {}
        for file in self._pending:
            text = self.wanted.get(file)
            if text is None:
                found[file] = None
            else:
                if file not in self._sources:
                    self._sources[file] = read_source(file, text)
                found[file] = self._sources[file]
        return found

    def _is_founded(self, served: Mapping[str, bytes | None]) -> bool:
        """Whether each foundation that is on disk is served in some text: without it all would change."""
        return all(served.get(file, self.good.get(file)) for file in FOUNDATION & self.wanted.keys())

    def _accept(self, served: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
        changes: dict[str, bytes | None] = {}
        for file, text in served.items():
            if self.good.get(file) != text:
                changes[file] = text
            if text is None:
                self.good.pop(file, None)
            else:
                self.good[file] = text
            if self._is_settled(file):
                self._pending.pop(file, None)
                self._sources.pop(file, None)
        return changes

"""Entries to facts: what `validate` needs, and what compiling builds on. No protobuf here.

May import the catalog, the mesh and the graph.
"""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import Any

from meshctl.catalog.source import Kind, Source
from meshctl.graph import Graph, Rule
from meshctl.mesh.check import CHECK
from meshctl.mesh.inputs import ENTRIES, TEAM, TEAMS, Declared, EntryName
from meshctl.problems import Finding, Place, Problem, Span, findings, nearest

_SINGLE = ((Kind.MESH, Kind.MESH.value), (Kind.DEFAULTS, Kind.DEFAULTS.value))


class Resolver:
    """The loaded files and the graph over them; a change costs what reads the changed entries."""

    def __init__(self, watched: Iterable[Rule[Any, Any]] = ()) -> None:
        self.graph = Graph(watched)
        self._sources: dict[str, Source] = {}
        self._troubled: dict[str, Source] = {}
        self._by_name: dict[EntryName, dict[str, Declared]] = {}
        self._teams: Counter[str] = Counter()
        self._checked: set[EntryName] = set()
        self._meant: dict[tuple[str, tuple[str, ...]], str | None] = {}  # of the names that there are now
        for entry in _SINGLE:
            self._check(entry)

    @property
    def sources(self) -> Mapping[str, Source]:
        """The loaded files, by their path within the catalog."""
        return self._sources

    def change(self, sources: Mapping[str, Source | None]) -> None:
        """Load these files, in place of what was loaded of them; None takes a file away."""
        touched: dict[EntryName, None] = {}
        for file, source in sources.items():
            touched.update(dict.fromkeys(self._replace(file, source)))
        if any((entry in self._by_name) != (entry in self._checked) for entry in touched):
            self._meant.clear()
        for entry in touched:
            files = self._by_name.get(entry, {})
            self.graph.put(ENTRIES, entry, tuple(files[file] for file in sorted(files)) or None)
        # After all are in, so that none is missed that comes later in the same change; gateways last, or each
        # service that exposes something would compute its gateway once more.
        for entry in sorted(touched, key=lambda entry: entry[0] is Kind.GATEWAY):
            self._check(entry)

    def declares(self, kind: Kind, name: str) -> bool:
        """Whether any file, readable or not, declares this name."""
        return (kind, name) in self._by_name

    def names(self, kind: Kind) -> frozenset[str]:
        """The names of a kind that any file, readable or not, declares; may be asked in any thread."""
        return frozenset(name for of, name in tuple(self._by_name) if of is kind)

    def problems(self) -> list[Problem]:
        """All that is wrong with what is loaded: within files, and between them."""
        within = [problem for source in self._troubled.values() for problem in source.problems]
        return within + self.graph.problems()

    def findings(self, problems: Iterable[Problem]) -> list[Finding]:
        """Problems as they are shown: with their lines, and the names that were meant."""
        return findings(problems, self.locate, self._meant_by)

    def locate(self, place: Place) -> Span:
        """The line of a place, as its file stands now."""
        source = self._sources.get(place.file)
        return Span(place.file, 1, 1) if source is None else source.locate(place)

    def _replace(self, file: str, source: Source | None) -> Iterable[EntryName]:
        team = ""
        before = self._sources.get(file)
        for loaded, count in ((before, -1), (source, 1)):
            if loaded is not None:
                self._teams[loaded.team] += count
                team = loaded.team
        # The new before the old: others ask meanwhile, and what the file still declares is never missing.
        bound = dict.fromkeys(self._bound(source) if source else ())
        yield from bound
        yield from self._released(before, bound) if before else ()
        if team:
            self._tell_team(team)
        self._troubled.pop(file, None)
        if source is None:
            self._sources.pop(file, None)
        else:
            self._sources[file] = source
        if source is not None and source.problems:
            self._troubled[file] = source

    def _bound(self, source: Source) -> Iterable[EntryName]:
        declared = Declared(source.file, source.team, source.entry)
        for entry in _names(source):
            self._by_name.setdefault(entry, {})[source.file] = declared
            yield entry

    def _released(self, source: Source, bound: Container[EntryName]) -> Iterable[EntryName]:
        for entry in _names(source):
            if entry not in bound:
                self._by_name[entry].pop(source.file)
                if not self._by_name[entry]:
                    del self._by_name[entry]
                yield entry

    def _tell_team(self, team: str) -> None:
        if not self._teams[team]:
            del self._teams[team]
        self.graph.put(TEAMS, team, True if team in self._teams else None)

    def _meant_by(self, problem: Problem) -> str | None:
        """The name nearest to the missing one, remembered until a name comes or goes.

        Searching takes a walk over all names, and a file that is held back is told with every change.
        """
        asked = (problem.missing, problem.among)
        if asked not in self._meant:
            self._meant[asked] = nearest(problem.missing, self._known(problem.among))
        return self._meant[asked]

    def _known(self, kinds: Iterable[str]) -> Iterable[str]:
        for kind in kinds:
            yield from filter(None, self._teams) if kind == TEAM else self.names(Kind(kind))

    def _check(self, entry: EntryName) -> None:
        wanted = entry in self._by_name or entry in _SINGLE
        if wanted and entry not in self._checked:
            self._checked.add(entry)
            self.graph.keep(CHECK, entry)
        elif not wanted and entry in self._checked:
            self._checked.discard(entry)
            self.graph.release(CHECK, entry)


def _names(source: Source) -> Iterable[EntryName]:
    """What a file declares. One too broken to tell its kind may be either: others' references stay right."""
    kinds = (source.kind,) if source.kind else (Kind.SERVICE, Kind.GATEWAY)
    return ((kind, source.name) for kind in kinds)

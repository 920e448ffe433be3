"""One attempt to serve all that differs from what is served: who has to go back so that the rest resolves.

May import the catalog, what resolves it and `operations.forms`. A file that takes part in a problem goes down
its row of forms by one. Where no entry can mend a problem, the foundation goes back, and all begins anew.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from meshctl.catalog.folder import MESH_FILE
from meshctl.catalog.source import Source
from meshctl.mesh.check import MESH_MISSING
from meshctl.operations.forms import FOUNDATION, NAME_ONLY, Form, forms, served_form
from meshctl.operations.resolve import Resolver
from meshctl.problems import Finding, Problem, Span, located


class Trial:
    """The candidates with their forms, and the problems that brought some of them down."""

    def __init__(
        self,
        resolver: Resolver,
        good: Mapping[str, bytes],
        changed: Mapping[str, int],
        candidates: Mapping[str, Source | None],
        kept: Collection[str] = (),
    ) -> None:
        """`candidates` are the files that differ from `good`, as on disk; `changed` says in which order.

        Those in `kept` stay at their last good text, which they have, whatever else is served.
        """
        self._resolver = resolver
        self._changed = changed
        self._before = {file: served_form(good.get(file), resolver.sources.get(file)) for file in candidates}
        self._forms = {file: forms(file, self._before[file], source) for file, source in candidates.items()}
        self._kept = frozenset(kept)
        self._reverted: dict[str, set[Problem]] = {}  # the foundation that went back, and why
        self._deleted = {file for file, source in candidates.items() if source is None}
        self._reset()
        self._named: dict[str, list[str]] = {}
        for file in candidates:
            path = PurePosixPath(file)
            for name in {path.stem, path.parts[0]}:
                self._named.setdefault(name, []).append(file)

    def _reset(self) -> None:
        """Every file as it stands on disk, but for those that stay at their last good text."""
        self._form = {file: int(file in self._kept or file in self._reverted) for file in self._forms}
        self._why = {file: set(why) for file, why in self._reverted.items()}  # with the lines that were wrong
        # One of several that could have gone back.
        self._contested = set(self._reverted) if len(self._reverted) > 1 else set()
        self._moved: set[str] = set()  # deleted, while a file that is refused has its name

    @property
    def refused(self) -> frozenset[str]:
        """The files that are not served as they stand on disk."""
        return frozenset(file for file, form in self._form.items() if form)

    def run(self) -> bool:
        """Load what stands on disk and take back what does not resolve. False if nothing helps."""
        broken = self._begin(self._before)
        while problems := self._problems():
            if self._take_back(problems):
                continue
            loaded = {file: self._chosen(file) for file in self._forms}
            if not self._take_back_foundation(problems):
                return False
            broken = self._begin(loaded)  # anew: no entry pays for it that went back in vain
        self._readmit(self.refused - broken - self._moved)
        return True

    def _begin(self, loaded: Mapping[str, Form]) -> frozenset[str]:
        """Load what stands on disk, in place of `loaded`. Returns what is refused whatever comes."""
        self._reset()
        self._refuse_broken()
        self._keep_moved(self._forms)
        # Of a file that goes back at once, the last good text is what is loaded already.
        self._load(file for file, form in loaded.items() if form.text != self._chosen(file).text)
        return self.refused - self._reverted.keys()

    def _refuse_broken(self) -> None:
        """Files that do not parse. Without mesh.yaml the folder is not all there, and nothing is deleted."""
        for file, row in self._forms.items():
            source = row[0].source
            if source is not None and source.problems:
                self._why[file] = {located(problem, source.locate) for problem in source.problems}
                self._form[file] = 1
        if MESH_FILE in self._deleted:
            self._why[MESH_FILE] = {located(MESH_MISSING, lambda place: Span(place.file, 1, 1))}
            self._form.update(dict.fromkeys(self._deleted, 1))

    def _keep_moved(self, fell: Iterable[str]) -> set[str]:
        """Deleted files whose name only one of those that `fell` has now: moved, and wrong at the new place.

        They come back to their last good text. The bare name would resolve too, and take the entry away
        from everybody who uses it. Returns those that came back by this.
        """
        bare = [file for file in fell if self._chosen(file).text == NAME_ONLY]
        back = {
            gone: file
            for file in bare
            for gone in self._named.get(PurePosixPath(file).stem, ())
            if gone in self._deleted and self._form[gone] == 0 and self._before[gone].text
        }
        for gone, file in back.items():
            self._form[gone] = 1
            self._why[gone] = set(self._why.get(file, ()))
        self._moved |= back.keys()
        return set(back)

    def abandon(self) -> None:
        """Load what was served before, of all candidates."""
        self._resolver.change({file: form.load(file) for file, form in self._before.items()})

    def served(self) -> dict[str, bytes | None]:
        """The text by which each candidate is served now; None: it is not."""
        return {file: self._chosen(file).text for file in self._forms}

    def held(self) -> dict[str, tuple[Finding, ...]]:
        """Why files are not served as they stand on disk."""
        return {file: tuple(self._resolver.findings(why)) for file, why in sorted(self._why.items())}

    def _problems(self) -> list[Problem]:
        return sorted(self._resolver.problems(), key=lambda problem: (problem.file, problem.message))

    def _take_back(self, problems: Iterable[Problem]) -> bool:
        """One round: of each problem that no other one's loser takes part in already, somebody goes back."""
        back: set[str] = set()
        for problem in problems:
            taking_part = self._taking_part(problem)
            losers = {problem.file} & back or (set() if taking_part & back else self._losers(problem))
            for file in losers:
                self._blame(file, problem)
            back |= losers
        for file in back:
            self._form[file] += 1
        self._load(back | self._keep_moved(back))
        return bool(back)

    def _take_back_foundation(self, problems: Iterable[Problem]) -> bool:
        """What no entry can mend comes from the foundation: the file of it that changed last goes back."""
        able = [file for file in FOUNDATION if self._can_go_back(file)]
        back = max(able, key=lambda file: (self._changed[file], file), default=None)
        for problem in problems:
            self._blame(back or problem.file, problem)
        if back:
            self._reverted[back] = self._why[back]
        return back is not None

    def _losers(self, problem: Problem) -> set[str]:
        able = [file for file in self._taking_part(problem) if self._can_go_back(file)]
        if len(able) > 1:
            self._contested.update(able)
        return {max(able, key=lambda file: self._standing(file, problem))} if able else set()

    def _taking_part(self, problem: Problem) -> set[str]:
        files = {problem.file, *(place.file for place in problem.also)}
        return files.union(self._named.get(problem.missing, ()))

    def _standing(self, file: str, problem: Problem) -> tuple[bool, int, bool, str]:
        """Who goes back: a bare name first, then what changed last, then the one that the problem is in."""
        bare = self._form[file] > 0
        return (bare, self._changed[file], file == problem.file, file)

    def _can_go_back(self, file: str) -> bool:
        return file in self._form and self._form[file] + 1 < len(self._forms[file])

    def _blame(self, file: str, problem: Problem) -> None:
        if file in self._deleted:  # the missing name is its own
            problem = replace(problem, fix=f"change that, or restore {file}", among=())
        self._why.setdefault(file, set()).add(located(problem, self._resolver.locate))

    def _readmit(self, fell: Iterable[str]) -> None:
        """Try again those that another one's fall may have helped, the oldest change first.

        Who comes back may take away what another one was in conflict with; so all again, until nobody comes.
        """
        in_order = sorted(fell, key=lambda file: (self._changed[file], file))
        tried = [file for file in in_order if file in self._contested]
        while len(in_order) > 1 and any([self._readmitted(file) for file in tried]):
            tried = [file for file in in_order if self._form[file]]

    def _readmitted(self, file: str) -> bool:
        fallen, self._form[file] = self._form[file], 0
        self._load([file])
        if self._resolver.problems():
            self._form[file] = fallen
            self._load([file])
            return False
        self._why.pop(file, None)
        return True

    def _chosen(self, file: str) -> Form:
        return self._forms[file][self._form[file]]

    def _load(self, files: Iterable[str]) -> None:
        self._resolver.change({file: self._chosen(file).load(file) for file in files})

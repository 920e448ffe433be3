"""What is wrong with an input, where, and what to write instead; one shape for every layer.

Imports nothing of meshctl. A problem names its place by file and key path, never by line, so that a
comment added above makes no fact unequal; the line is looked up when somebody asks (`Locate`).
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

KeyPath = tuple[str | int, ...]
"""The way from an entry's top to one of its parts: `("routes", 0, "match", "path")`."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A position in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Place:
    """A part of an entry. `on_key`: the key's own name is meant, not its value."""

    file: str
    path: KeyPath = ()
    on_key: bool = False


Locate = Callable[[Place], Span]


@dataclass(frozen=True, slots=True)
class Code:
    """A class of problems: a stable code, its title, why it matters, and one bad and one good example."""

    code: str
    title: str
    why: str
    bad: str
    good: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `fix` says what to write instead.

    `also` are other places that take part in it; `missing` is the name that nothing declares, if that is it.
    """

    code: Code
    at: Place | Span
    message: str
    fix: str
    also: tuple[Place, ...] = ()
    missing: str = ""

    @property
    def file(self) -> str:
        """The file that the problem is in."""
        return self.at.file


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A problem with its lines looked up: what is printed, sorted by file and line."""

    span: Span
    code: str
    message: str
    fix: str
    also: tuple[Span, ...] = field(default=())

    def __str__(self) -> str:
        also = f" (see {', '.join(map(str, self.also))})" if self.also else ""
        return f"{self.span}: {self.code} {self.message}{also}; {self.fix}"


def findings(problems: Iterable[Problem], locate: Locate) -> list[Finding]:
    """Look up the lines of `problems` and put them in the order of a reader: by file, then by line."""
    return sorted(set(_find(problems, locate)))


def _find(problems: Iterable[Problem], locate: Locate) -> Iterator[Finding]:
    for problem in problems:
        span = problem.at if isinstance(problem.at, Span) else locate(problem.at)
        also = tuple(locate(place) for place in problem.also)
        yield Finding(span, problem.code.code, problem.message, problem.fix, also)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None if none is near."""
    matches = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return matches[0] if matches else None

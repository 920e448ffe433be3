"""What is wrong with an input, where, and what to write instead; one shape for every layer.

Imports nothing of meshctl. A problem names its place by file and key path, never by line, so that a
comment added above makes no fact unequal; the line is looked up when somebody asks (`Locate`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

_NEAR = 60
"""Percents of two words' letters that are the same, in the same order: fewer, and they are two words."""

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

    `also` are other places that take part in it; `missing` is the name that nothing declares, if that is it,
    and `among` are the kinds of names of which the nearest one replaces `fix`, where there is one. It is
    looked up when the problem is shown (`Meant`): a new name far away makes no fact unequal.
    """

    code: Code
    at: Place | Span
    message: str
    fix: str
    also: tuple[Place | Span, ...] = ()
    missing: str = ""
    among: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The file that the problem is in."""
        return self.at.file


Meant = Callable[[Problem], str | None]
"""Says which name was probably meant by the missing one of a problem."""


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


def findings(
    problems: Iterable[Problem], locate: Locate, meant: Meant = lambda _problem: None
) -> list[Finding]:
    """Look up the lines of `problems` and put them in the order of a reader: by file, then by line."""
    return sorted(set(_find(problems, locate, meant)))


def located(problem: Problem, locate: Locate) -> Problem:
    """The same problem with its lines looked up, for when the text that has it is loaded no more."""
    return replace(
        problem, at=_span(problem.at, locate), also=tuple(_span(place, locate) for place in problem.also)
    )


def _find(problems: Iterable[Problem], locate: Locate, meant: Meant) -> Iterator[Finding]:
    for problem in problems:
        near = meant(problem) if problem.among else None
        fix = f"write {near!r}" if near else problem.fix
        also = tuple(_span(place, locate) for place in problem.also)
        yield Finding(_span(problem.at, locate), problem.code.code, problem.message, fix, also)


def _span(at: Place | Span, locate: Locate) -> Span:
    return at if isinstance(at, Span) else locate(at)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None if none is near."""
    from rapidfuzz import fuzz, process  # 16 ms, and needed only where something is wrong

    near = process.extract_iter(word, known, scorer=fuzz.ratio, score_cutoff=_NEAR)
    return max(((score, name) for name, score, _ in near), default=(0, None))[1]


def unknown(kind: str, name: str, near: str | None) -> str:
    """What to say of a name that nobody declares: with the one that was probably meant, if there is one."""
    return f"unknown {kind} {name!r}" + (f"; the nearest name is {near!r}" if near else "")

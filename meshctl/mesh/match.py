"""Matches as facts: what a request must be like, what two have in common, and their direct evaluation.

May import the catalog. A path is its segments, so that `/a/**` is `/a` and everything below it, and
`{name}` exactly one segment that is not empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from meshctl.catalog.keys.match import Match
from meshctl.catalog.keys.path import PathPattern


@dataclass(frozen=True, slots=True)
class Variable:
    """A segment of any text, with a name."""

    name: str


Segment = str | Variable


@dataclass(frozen=True, slots=True)
class PathMatch:
    """A path by its segments; `below`: and everything below it. `/` is one empty segment, `/**` is none."""

    segments: tuple[Segment, ...] = ()
    below: bool = True

    @classmethod
    def of(cls, pattern: PathPattern) -> Self:
        """Take a written pattern apart."""
        text = pattern.text
        below = text.endswith("/**")
        if below:
            text = text.removesuffix("/**")
        return cls(tuple(_segment(word) for word in text.split("/")[1:]), below)

    def __str__(self) -> str:
        tail = "/**" if self.below else ""
        return "".join(f"/{_written(segment)}" for segment in self.segments) + tail

    @property
    def literal(self) -> bool:
        """Whether no segment is a variable."""
        return not any(isinstance(segment, Variable) for segment in self.segments)

    def holds(self, path: str) -> bool:
        """Whether a request's path, without its query, is one of these."""
        words = path.split("/")[1:]
        if len(words) < len(self.segments) or (len(words) > len(self.segments) and not self.below):
            return False
        return all(_covers(segment, word) for segment, word in zip(self.segments, words, strict=False))

    def both(self, other: "PathMatch") -> "PathMatch | None":
        """The paths that both match, or None if there are none."""
        short, long = sorted((self, other), key=lambda one: len(one.segments))
        if len(short.segments) < len(long.segments) and not short.below:
            return None
        common: list[Segment] = []
        for one, two in zip(short.segments, long.segments, strict=False):
            if not (_covers(one, two) or _covers(two, one)):
                return None
            common.append(two if isinstance(one, Variable) else one)
        same_length = len(short.segments) == len(long.segments)
        below = long.below and (short.below if same_length else True)
        return PathMatch((*common, *long.segments[len(common) :]), below)

    def within(self, outer: "PathMatch") -> bool:
        """Whether `outer` matches every path that this matches."""
        if len(outer.segments) > len(self.segments):
            return False
        longer = len(self.segments) > len(outer.segments)
        if not outer.below and (longer or self.below):
            return False
        return all(_covers(a, b) for a, b in zip(outer.segments, self.segments, strict=False))


ANY_PATH = PathMatch()


@dataclass(frozen=True, slots=True)
class RequestMatch:
    """What a request must be like: all of it holds. No methods: any method."""

    path: PathMatch = ANY_PATH
    methods: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, match: Match | None) -> Self:
        """The facts of a written match; none at all matches every request."""
        if match is None:
            return cls()
        path = ANY_PATH if match.path is None else PathMatch.of(match.path)
        return cls(path, tuple(sorted(match.methods)), tuple(sorted(match.headers.items())))

    def holds(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        """Whether a request is one of these; `headers` by their names in lower case."""
        if self.methods and method not in self.methods:
            return False
        return self.path.holds(path) and all(headers.get(name) == value for name, value in self.headers)

    def both(self, other: "RequestMatch") -> "RequestMatch | None":
        """The requests that both match, or None if there are none."""
        path = self.path.both(other.path)
        methods = tuple(m for m in self.methods or other.methods if m in (other.methods or self.methods))
        headers = {**dict(self.headers), **dict(other.headers)}
        if path is None or bool(methods) != bool(self.methods or other.methods):
            return None
        if any(headers[name] != value for name, value in self.headers):
            return None
        return RequestMatch(path, methods, tuple(sorted(headers.items())))

    @property
    def everything(self) -> bool:
        """Whether every request matches, so that no later route is ever reached."""
        return self == RequestMatch()


def _segment(word: str) -> Segment:
    return Variable(word[1:-1]) if word.startswith("{") and word.endswith("}") else word


def _written(segment: Segment) -> str:
    return f"{{{segment.name}}}" if isinstance(segment, Variable) else segment


def _covers(outer: Segment, inner: Segment) -> bool:
    if isinstance(outer, Variable):
        return inner != ""  # an empty segment is none: `/a/{x}` is not `/a/`
    return outer == inner

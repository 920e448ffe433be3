"""`path`: patterns of request paths.

Imports `catalog.key`, `catalog.problems`, `catalog.scalars` and `catalog.takes`.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, NoReturn, Self
from urllib.parse import quote

from meshctl.catalog.key import Written, refuse
from meshctl.catalog.problems import WRONG_PATH, Mistake, shown
from meshctl.catalog.scalars import read_text
from meshctl.catalog.takes import Takes, marked

MAX_NAMES = 5
"""Envoy: kPatternMatchingMaxVariablesPerUrl of the uri_template library."""
_NAME_FORM = r"[a-zA-Z][a-zA-Z0-9_]{0,15}"
_NAME = re.compile(_NAME_FORM)
"""A variable of Envoy's uri_template: a letter first, 16 of them at most."""
_LITERAL_FORM = r"(?:[a-zA-Z0-9._~!$&'()+,;:@=-]|%[0-9a-fA-F]{2})*"
_LITERAL = re.compile(_LITERAL_FORM)
"""A segment as Envoy's uri_template takes it: RFC 3986's pchar without '*'."""
_LONGEST = 1_024
"""Far longer than paths are; Envoy itself takes 60 KiB of headers."""
_BELOW = "/**"
_PATTERN = rf"(?=/)(?:/(?:\{{{_NAME_FORM}\}}|{_LITERAL_FORM}))*(?:/\*\*)?"
"""A whole pattern. What it lets pass: empty segments beside names, `..`, names that are there twice."""


class PathKind(Enum):
    """How a pattern is compared with a path."""

    EXACT = "exact"
    BELOW = "below"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class PathPattern(Written):
    """`/a`: that path; `/a/**`: it and all below; `{name}`: one segment. `text` is as written."""

    takes: ClassVar[Takes] = marked(
        "a path such as /a, /a/** or /a/{name}/b, without a query", _PATTERN, WRONG_PATH
    )

    kind: PathKind
    text: str

    @classmethod
    def read(cls, written: object) -> Self:
        """Read a pattern; the query is never part of it."""
        return written if isinstance(written, cls) else cls.parse(read_text(written, "a path"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a pattern from its text. Calls `refuse` with what to write instead."""
        _check_whole(text)
        base = text.removesuffix(_BELOW)
        segments = base.split("/")[1:]
        names = [_segment(text, segment) for segment in segments]
        if any(names):
            _check_names(text, [name for name in names if name])
            if "" in segments[:-1] or (base != text and segments[-1] == ""):
                _wrong(text, "has an empty segment", "write one '/' between segments")
            return cls(PathKind.TEMPLATE, text)
        if base != text and base.endswith("/"):
            _wrong(text, "has an empty segment", f"write {base.rstrip('/')}{_BELOW}")
        return cls(PathKind.EXACT if base == text else PathKind.BELOW, text)

    @property
    def everything(self) -> bool:
        """Whether every path matches."""
        return self.text == _BELOW

    def __str__(self) -> str:
        return self.text


def _check_whole(text: str) -> None:
    if not text.startswith("/"):
        _wrong(
            text, "does not begin with '/'", f"write /{text.split('://')[-1].partition('?')[0]}"[:_LONGEST]
        )
    if len(text) > _LONGEST:
        _wrong(text, f"has {len(text):,} characters", f"write at most {_LONGEST:,}")
    for sign, what in (("?", "a query"), ("#", "a fragment")):
        if sign in text:
            _wrong(text, f"has {what}, which is no part of a path", f"write {text.partition(sign)[0]}")


def _segment(text: str, segment: str) -> str | None:
    """The name of a segment that is `{name}`; None for a literal one."""
    if segment.startswith("{") and segment.endswith("}"):
        return segment[1:-1] or _wrong(text, "has a segment {} without a name", "write {name}")
    if "{" in segment or "}" in segment:
        _wrong(text, f"has {shown(segment)}, where a name must be the whole segment", "write /{name}/")
    if "*" in segment:
        fix = "write {name} for one segment, or /** at the end for all below"
        _wrong(text, f"has '*' in {shown(segment)}", fix)
    if segment in (".", ".."):
        _wrong(text, f"has the segment {segment!r}, which clients resolve before they ask", "resolve it")
    if _LITERAL.fullmatch(segment) is None:
        fix = f"write {quote(segment, safe='!$&()+,;:@=~' + chr(39))}"
        if "%" in segment:
            fix = "write two hexadecimal digits after each '%'"
        _wrong(text, f"has {shown(segment)}, whose characters no path has as they are", fix)
    return None


def _check_names(text: str, names: list[str]) -> None:
    for name in names:
        if _NAME.fullmatch(name) is None:
            fix = "a name has a-z, A-Z, 0-9 and '_', a letter first, at most 16 of them"
            _wrong(text, f"has the name {shown(name)}", fix)
    if len(set(names)) < len(names):
        _wrong(text, "has one name twice", "name each segment differently")
    if len(names) > MAX_NAMES:
        _wrong(text, f"has {len(names)} names", f"write at most {MAX_NAMES}, as Envoy takes no more")


def _wrong(text: str, what: str, fix: str) -> NoReturn:
    refuse(Mistake(WRONG_PATH, f"the path {shown(text)} {what}", fix))

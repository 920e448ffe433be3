"""`match`: the requests that a route is for.

Imports `catalog.key`, `catalog.keys.path`, `catalog.problems`, `catalog.scalars` and `catalog.yaml`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import PlainValidator

from meshctl.catalog.key import CheckedKey, field, refuse, wrong_value
from meshctl.catalog.keys.path import PathPattern
from meshctl.catalog.problems import LISTED_TWICE, NOTHING_SAID, WRONG_HEADER, Mistake, shown
from meshctl.catalog.scalars import is_null, read_text, twice
from meshctl.catalog.yaml import ScalarNode

_TOKEN = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,256}")
"""A header's name in lower case. Source: RFC 9110 §5.6.2."""
_METHOD = re.compile(r"[A-Z][A-Z0-9_-]{0,63}")
_UNPRINTABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_PSEUDO = {":path": "path", ":method": "methods"}
_LONGEST_VALUE = 4_096


def _read_method(written: object) -> str:
    text = read_text(written, "a method")
    if _METHOD.fullmatch(text):
        return text
    fix = f"write {text.upper()}" if _METHOD.fullmatch(text.upper()) else "write one such as GET or POST"
    refuse(Mistake(WRONG_HEADER, f"{shown(text)} is not a method", fix))


def _read_headers(written: object) -> dict[str, str]:
    if not isinstance(written, Mapping):
        wrong_value("a mapping of headers to their values")
    headers: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for name, value in written.items():
        lower = name.lower()
        if lower in headers:
            message = f"the header {shown(lower)} is listed twice"
            mistakes.append(Mistake(LISTED_TWICE, message, "keep one of the two", (name,), on_key=True))
        mistakes += [*_name_mistakes(name, lower), *_value_mistakes(name, value)]
        headers[lower] = value.text if isinstance(value, ScalarNode) else str(value)
    if mistakes:
        refuse(*mistakes)
    return headers


def _name_mistakes(name: str, lower: str) -> Iterator[Mistake]:
    if lower in _PSEUDO:
        message, fix = f"{shown(name)} is not a header of its own", f"write {_PSEUDO[lower]} in the match"
    elif lower in (":authority", "host"):
        message, fix = f"the header {shown(name)} is the host", "write it as the host of the site or expose"
    elif _TOKEN.fullmatch(lower) is None:
        message, fix = f"{shown(name)} is not the name of a header", "write one such as x-beta"
    else:
        return
    yield Mistake(WRONG_HEADER, message, fix, (name,), on_key=True)


def _value_mistakes(name: str, value: object) -> Iterator[Mistake]:
    fix = 'write the exact value, such as "1"'
    if not isinstance(value, ScalarNode | str) or is_null(value):
        yield Mistake(WRONG_HEADER, f"the header {shown(name)} has no text to compare with", fix, (name,))
        return
    text = value.text if isinstance(value, ScalarNode) else value
    if not text or text != text.strip(" \t"):
        message = f"no header has the value {shown(text)}, with nothing in it, or spaces around it"
        yield Mistake(WRONG_HEADER, message, fix, (name,))
    elif _UNPRINTABLE.search(text) or len(text) > _LONGEST_VALUE:
        message = f"no header has the value {shown(text)}"
        fix = f"write at most {_LONGEST_VALUE:,} printable characters"
        yield Mistake(WRONG_HEADER, message, fix, (name,))


class Match(CheckedKey):
    """The requests that a route is for: all of it holds. Envoy: config.route.v3.RouteMatch."""

    path: PathPattern | None = field(
        doc="A path: /a exactly, /a/** with all below, {name} for one segment.", example='"/calls/{sid}/**"'
    )
    methods: tuple[Annotated[str, PlainValidator(_read_method)], ...] = field(
        doc="One of these methods; without the key: any.", example="[GET, POST]", default=()
    )
    headers: Annotated[Mapping[str, str], PlainValidator(_read_headers)] = field(
        doc="Headers with exactly these values.", example='{x-beta: "1"}', default={}
    )

    @property
    def everything(self) -> bool:
        """Whether every request matches."""
        return (self.path is None or self.path.everything) and not self.methods and not self.headers

    def mistakes(self) -> Iterator[Mistake]:
        """A match without conditions, and methods that are listed twice."""
        if self.path is None and not self.methods and not self.headers:
            message = "the match has no condition, so it would match every request"
            yield Mistake(NOTHING_SAID, message, "leave match out, or write a path, methods or headers")
        yield from twice(self.methods, "methods")

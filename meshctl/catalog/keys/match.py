"""`match`: the requests that a route is for.

Imports `catalog.key`, `catalog.keys.path`, `catalog.problems`, `catalog.scalars`, `catalog.takes` and
`catalog.yaml`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from meshctl.catalog.key import CheckedKey, Scalar, field, refuse, wrong_value
from meshctl.catalog.keys.path import PathPattern
from meshctl.catalog.problems import LISTED_TWICE, NOTHING_SAID, WRONG_HEADER, Mistake, shown
from meshctl.catalog.scalars import is_null, read_text, twice
from meshctl.catalog.takes import mapped, plain_text
from meshctl.catalog.yaml import ScalarNode

_NAME = r"[a-z0-9!#$%&'*+.^_`|~-]{1,256}"
_TOKEN = re.compile(_NAME)
"""A header's name in lower case. Source: RFC 9110 §5.6.2."""
_METHOD_FORM = r"[A-Z][A-Z0-9_-]{0,63}"
_METHOD = re.compile(_METHOD_FORM)
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


_HEADERS = mapped(
    "a mapping of headers to their exact values",
    plain_text("a header", _NAME.replace("a-z", "A-Za-z")),
    plain_text("an exact value", longest=_LONGEST_VALUE),
    WRONG_HEADER,
    LISTED_TWICE,
    least=0,
)


class Match(CheckedKey):
    """The requests that a route is for: all of it holds. Envoy: config.route.v3.RouteMatch."""

    path: PathPattern | None = field(
        doc="A path: /a exactly, /a/** with all below, {name} for one segment.",
        example='"/calls/{sid}/**"',
        envoy=[
            "config.route.v3.RouteMatch.path",
            "config.route.v3.RouteMatch.path_separated_prefix",
            "config.route.v3.RouteMatch.path_match_policy",
        ],
    )
    methods: tuple[
        Annotated[str, Scalar(_read_method, plain_text("a method", _METHOD_FORM, WRONG_HEADER))], ...
    ] = field(
        doc="One of these methods; without the key: any.",
        example="[GET, POST]",
        default=(),
        envoy=["config.route.v3.RouteMatch.headers"],
        codes=["MSH0215"],
    )
    headers: Annotated[Mapping[str, str], Scalar(_read_headers, _HEADERS)] = field(
        doc="Headers with exactly these values; all of them hold.",
        example='{x-beta: "1"}',
        default={},
        envoy=["config.route.v3.RouteMatch.headers"],
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

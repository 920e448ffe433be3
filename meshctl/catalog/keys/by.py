"""`by`: what of a request tells the same caller, or customer, again.

Imports `catalog.key`, `catalog.problems`, `catalog.scalars` and `catalog.takes`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, ClassVar, Self

from meshctl.catalog.key import CheckedKey, Key, Scalar, Written, field, refuse
from meshctl.catalog.problems import EXCLUSIVE, UNKNOWN_WORD, WRONG_HEADER, Mistake, shown
from meshctl.catalog.scalars import read_text
from meshctl.catalog.takes import Takes, one_word, plain_text

_SOURCE = "source"
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}"
"""The name of a header or a cookie. Source: RFC 9110 §5.6.2, RFC 6265 §4.1.1."""
_PARAMETER = r"[A-Za-z0-9._~\[\]-]{1,256}"
"""The name of a query parameter that is written as it is, without escapes."""
_HOSTS = frozenset({"host", ":authority"})


class Part(Enum):
    """A part of a request, or its sender."""

    HEADER = "header"
    COOKIE = "cookie"
    QUERY = "query"
    SOURCE = _SOURCE


def _named(form: str, what: str, suggestion: str) -> Scalar:
    """Names of this form; `what` they are names of."""

    def read(written: object) -> str:
        text = read_text(written, f"the name of {what}")
        if re.fullmatch(form, text) is None or text.lower() in _HOSTS:
            message = f"{shown(text)} is not the name of {what} that tells callers apart"
            refuse(Mistake(WRONG_HEADER, message, f"write one such as {suggestion}"))
        return text

    return Scalar(read, plain_text(f"the name of {what}", form, WRONG_HEADER))


HeaderName = Annotated[str, _named(_TOKEN, "a header", "x-account")]
CookieName = Annotated[str, _named(_TOKEN, "a cookie", "SRV")]
ParameterName = Annotated[str, _named(_PARAMETER, "a query parameter", "account")]


class ByKeys(CheckedKey):
    """One part of a request, by its name."""

    header: HeaderName | None = field(
        doc="The value of this header.",
        example="x-account",
        envoy=["config.route.v3.RouteAction.HashPolicy.header"],
        codes=["MSH0212"],
    )
    cookie: CookieName | None = field(
        doc="The value of this cookie, which the service sets.",
        example="account",
        envoy=["config.route.v3.RouteAction.HashPolicy.cookie"],
        codes=["MSH0212"],
    )
    query: ParameterName | None = field(
        doc="The value of this parameter of the query.",
        example="account",
        envoy=["config.route.v3.RouteAction.HashPolicy.query_parameter"],
        codes=["MSH0212"],
    )

    @property
    def said(self) -> list[tuple[Part, str]]:
        """The parts that were written, with their names."""
        known = ((Part.HEADER, self.header), (Part.COOKIE, self.cookie), (Part.QUERY, self.query))
        return [(part, name) for part, name in known if name is not None]

    def mistakes(self) -> Iterator[Mistake]:
        """None of them, or more than one."""
        yield from only_one([part.value for part, _ in self.said], "{header: x-account}")


def only_one(said: list[str], example: str) -> Iterator[Mistake]:
    """What is wrong where exactly one key of several is needed and these were written."""
    if not said:
        yield Mistake(EXCLUSIVE, "nothing here tells callers apart", f"write {example}, for example")
    for name in said[1:]:
        message = f"{said[0]} and {name} cannot both decide"
        yield Mistake(EXCLUSIVE, message, "keep one of the two", (name,), on_key=True, also=((said[0],),))


@dataclass(frozen=True, slots=True)
class By(Written):
    """A part of a request with its name; "" for the sender's address."""

    takes: ClassVar[Takes] = one_word([_SOURCE], UNKNOWN_WORD)
    keys: ClassVar[type[Key]] = ByKeys

    part: Part
    name: str = ""

    @classmethod
    def read(cls, written: object) -> Self:
        """Read `source`, `{header: x-account}`, `{cookie: account}` or `{query: account}`."""
        if isinstance(written, cls):
            return written
        if isinstance(written, ByKeys):
            ((part, name),) = written.said
            return cls(part, name)
        if (text := read_text(written, "source, or a part of requests with its name")) != _SOURCE:
            fix = "write source, {header: x-account}, {cookie: account} or {query: account}"
            refuse(Mistake(UNKNOWN_WORD, f"{shown(text)} is not known here", fix))
        return cls(Part.SOURCE)

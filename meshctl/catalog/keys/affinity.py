"""`affinity`: who stays on the endpoint that answered first.

Imports `catalog.key`, `catalog.keys.by` and `catalog.problems`.
"""

from collections.abc import Iterator

from meshctl.catalog.key import CheckedKey, Key, field, required
from meshctl.catalog.keys.by import By, CookieName, HeaderName, Part, only_one
from meshctl.catalog.problems import Mistake

_STATE = "extensions.http.stateful_session"


class SessionKeys(CheckedKey):
    """Where a session says its endpoint."""

    cookie: CookieName | None = field(
        doc="A cookie of this name, which callers set: browsers send it back by themselves.",
        example="SRV",
        envoy=[f"{_STATE}.cookie.v3.CookieBasedSessionState.cookie"],
        codes=["MSH0212"],
    )
    header: HeaderName | None = field(
        doc="A header of this name in the answer, which the client sends with its next request.",
        example="x-session",
        envoy=[f"{_STATE}.header.v3.HeaderBasedSessionState.name"],
        codes=["MSH0212"],
    )

    def mistakes(self) -> Iterator[Mistake]:
        """None of them, or both."""
        said = [name for name in ("cookie", "header") if getattr(self, name) is not None]
        yield from only_one(said, "{cookie: SRV}")


class Affinity(Key):
    """Who stays on the endpoint that answered first, for as long as that is there and well."""

    by: SessionKeys = required(
        doc="Where it is said which endpoint that was. Its address can be read there.",
        example="{cookie: SRV}",
        envoy=["extensions.filters.http.stateful_session.v3.StatefulSession.session_state"],
        codes=["MSH0212"],
    )

    @property
    def session(self) -> By:
        """Where it is said."""
        return By(Part.COOKIE, self.by.cookie) if self.by.cookie else By(Part.HEADER, self.by.header or "")

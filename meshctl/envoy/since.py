"""Which release of Envoy knows what: all that is sent and that the oldest supported release does not know.

Imports nothing. An Envoy ignores a field that comes over xDS and that it does not know. So a resource that
holds one has a variant for older Envoys, which says the same as well as they can. Whether the list is whole,
the oldest supported Envoy says itself, in `tests/real/test_oldest_envoy.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

Release = tuple[int, int]
"""Major and minor: (1, 40)."""


@dataclass(frozen=True, slots=True)
class Young:
    """A field or an extension, as the protos call it, and the first release that knows it."""

    name: str
    since: Release


# Refused by `envoy --mode validate` of 1.36.2 ("no such field"), taken by that of 1.37.0.
BODY_FORMAT = Young("envoy.config.route.v3.DirectResponseAction.body_format", (1, 37))


def variant(client: str, used: Iterable[Young]) -> str:
    """The variant of a resource that may use these, for a client of this minor release ("1.36").

    Empty for who knows all of them, so that most share one. Else the newest release that gets the same.
    """
    unknown = [one.since for one in used if not knows(client, one)]
    major, minor = min(unknown, default=(0, 0))
    return f"{major}.{minor - 1}" if unknown else ""


def knows(release: str, one: Young) -> bool:
    """Whether a minor release, or the clients of a variant, know this."""
    return not release or release_of(release) >= one.since


def release_of(text: str) -> Release:
    """Major and minor of "1.40". Raises ValueError for what is no release."""
    major, _, minor = text.partition(".")
    return int(major), int(minor)

"""What is published, and what of the catalog is not: the words of `fleet`, of /readyz and of the log.

Imports `problems`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from meshctl.problems import Finding


class CatalogState(Enum):
    """How the catalog on disk relates to what is served."""

    LOADING = "loading"
    CURRENT = "current"
    BROKEN = "broken"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of the catalog at one time.

    `live`: nodes are served from the catalog. `provisional`: the last good state of an earlier run is given
    to nodes that hold nothing. `publishes` counts the changes of the catalog that went out. `published_at`
    is in seconds of the epoch. `held` says of each file that is not served as it stands on disk why, and
    `unserved` which of those have no last good text either.
    """

    state: CatalogState = CatalogState.LOADING
    reason: str = "the catalog is being read"
    live: bool = False
    provisional: bool = False
    revision: int = 0
    publishes: int = 0
    published_at: float | None = None
    held: Mapping[str, tuple[Finding, ...]] = field(default_factory=lambda: MappingProxyType({}))
    unserved: frozenset[str] = frozenset()


def held_words(held: Mapping[str, tuple[Finding, ...]]) -> str:
    """Which files are held back, in one sentence."""
    first = next(iter(held))
    more = f" and {len(held) - 1} more" if len(held) > 1 else ""
    return f"{first}{more} not served as on disk: {held[first][0]}"

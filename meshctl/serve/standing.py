"""What is published, and what of the catalog is not: the words of `fleet`, of /readyz and of the log.

May import `operations`, `problems` and the last good state beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from meshctl.operations.admit import Outcome
from meshctl.operations.forms import NAME_ONLY
from meshctl.operations.guard import Losses
from meshctl.problems import Finding
from meshctl.serve.last_good import LastGood

_SHOWN = 5  # losses in one sentence


class CatalogState(Enum):
    """How the catalog on disk relates to what is served."""

    LOADING = "loading"
    CURRENT = "current"
    BROKEN = "broken"
    GUARDED = "guarded"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of the catalog at one time.

    `live`: nodes are served from the catalog. `provisional`: the last good state of an earlier run is given
    to nodes that hold nothing. `publishes` counts the changes of the catalog that went out. `published_at`
    is in seconds of the epoch. `held` says of each file that is not served as it stands on disk why, and
    `unserved` which of those have no last good text either. `guarded` is what the files on disk would take
    away, and stays until it is confirmed.
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
    guarded: Losses = field(default_factory=Losses)


def held_words(held: Mapping[str, tuple[Finding, ...]]) -> str:
    """Which files are held back, in one sentence."""
    first = next(iter(held))
    more = f" and {len(held) - 1} more" if len(held) > 1 else ""
    return f"{first}{more} not served as on disk: {held[first][0]}"


def guarded_words(losses: Losses) -> str:
    """What waits, and what to type to let it go, in one sentence."""
    names = losses.names
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    told = f"{', '.join(names[:_SHOWN])}{more}"
    return f"the files on disk would take away {told}; if that is meant: meshctl confirm {losses.hash}"


def described(standing: Standing, outcome: Outcome, good: Mapping[str, bytes]) -> Standing:
    """The state of the catalog after a change that was published; `good` are the texts that are served."""
    held, guarded = outcome.held, outcome.guarded
    state = CatalogState.BROKEN if held else CatalogState.CURRENT
    reasons = [guarded_words(guarded)] if guarded.files else []
    return replace(
        standing,
        state=CatalogState.GUARDED if guarded.files else state,
        reason="; ".join([*reasons, held_words(held)] if held else reasons),
        held=held,
        guarded=guarded,
        publishes=standing.publishes + bool(outcome.changes),
        unserved=frozenset(file for file in held if good.get(file, NAME_ONLY) == NAME_ONLY),
    )


def refused(standing: Standing, outcome: Outcome, revision: int, lacks: str, last_good: LastGood) -> Standing:
    """The state after a change of which nothing can be published; `revision` is that of what stays.

    `lacks` says why at the start, where there was nothing to read.
    """
    words = held_words(outcome.held) if outcome.held else lacks
    at_start = f"{words}; {last_good.words}"
    return replace(
        standing,
        state=CatalogState.UNUSABLE,
        reason=f"nothing of the last change is published: {words}" if standing.live else at_start,
        provisional=not standing.live and last_good.state is not None,
        revision=revision,
        held=outcome.held,
        guarded=Losses(),
    )

"""What the log says of each change of the catalog: what went out, what is held back, what is guarded.

May import `operations`, `problems` and the lines' form.
"""

import logging
from collections.abc import Mapping

from meshctl.operations.admit import Outcome
from meshctl.operations.guard import Losses
from meshctl.problems import Finding
from meshctl.serve.lines import word

log = logging.getLogger(__name__)


def published(
    outcome: Outcome, known: Mapping[str, tuple[Finding, ...]], revision: int, *, is_empty: bool
) -> None:
    """What one change came to; `known` was held back before it, `is_empty`: no entry is left."""
    if outcome.changes:
        removed = sum(text is None for text in outcome.changes.values())
        log.log(
            logging.WARNING if removed and is_empty else logging.INFO,
            "published: revision=%d entries_changed=%d entries_removed=%d entries_held=%d",
            *(revision, len(outcome.changes), removed, len(outcome.held)),
        )
    for file, found in outcome.held.items():
        for finding in found if known.get(file) != found else ():
            log.warning("held back: entry=%s problem=%r", word(file), str(finding))
    for file in known.keys() - outcome.held.keys():
        log.info("no longer held back: entry=%s", word(file))


def guarded(losses: Losses, known: str) -> None:
    """What waits to be confirmed, if that is another list than the one that had the hash `known`."""
    if losses.hash and losses.hash != known:
        names = ", ".join(losses.names)
        log.warning(
            "guarded: losses=%r hash=%s next=%r", names, losses.hash, f"meshctl confirm {losses.hash}"
        )
    elif known and not losses.hash:
        log.info("no longer guarded: hash=%s", known)

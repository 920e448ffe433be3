"""`waves`: to how many nodes of a kind a change goes before it goes to the rest.

Imports `catalog.key`, `catalog.problems`, `catalog.scalars`, `catalog.takes` and `units`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, Self

from pydantic_core import PydanticCustomError

from meshctl.catalog.key import REFUSED, Key, Scalar, Written, field, refuse, wrong_value
from meshctl.catalog.problems import NOTHING_SAID, WRONG_NUMBER, WRONG_SHAPE, Mistake
from meshctl.catalog.scalars import SHARE, TIME, read_duration, read_integer, read_percent, read_text
from meshctl.catalog.takes import Takes, either, integer, listed
from meshctl.units import Duration, Percent

ALL = Percent(10_000)
_MOST = 1_000_000  # nodes; more than any fleet has
_NONE = Duration(0)


def _read_shares(written: object) -> tuple[int | Percent, ...]:
    if not isinstance(written, tuple):
        wrong_value("a list of shares")
    shares: list[int | Percent] = []
    mistakes: list[Mistake] = []
    for index, share in enumerate(written):
        try:
            shares.append(_read_share(share))
        except PydanticCustomError as error:
            mistakes += _mistakes(error, (index,), "write a number of nodes, or a percentage such as 10%")
    if mistakes or (mistakes := list(_disorder(shares))):
        refuse(*mistakes)
    return tuple(shares)


def _read_share(written: object) -> int | Percent:
    text = read_text(written, "a number of nodes or a percentage")
    if not text.rstrip().endswith("%"):
        return read_integer(written, 1, _MOST, "a number of nodes")
    share = read_percent(written)
    if share == Percent(0):
        refuse(Mistake(WRONG_NUMBER, "a wave of 0% reaches nobody", "write 1 for a single node"))
    return share


def _disorder(shares: Sequence[int | Percent]) -> Iterator[Mistake]:
    if not shares:
        yield Mistake(NOTHING_SAID, "the list of waves is empty", "write [100%] for one wave to all nodes")
        return
    for index, (one, other) in enumerate(pairwise(shares), 1):
        if _rank(other) <= _rank(one):
            message = f"{other} does not come after {one}"
            fix = "write numbers of nodes first, then percentages, each larger than the one before"
            yield Mistake(WRONG_NUMBER, message, fix, (index,))
    if shares[-1] != ALL:
        message = f"the last wave is {shares[-1]}, so that the rest would never be reached"
        yield Mistake(WRONG_NUMBER, message, f"add {ALL} at the end", (len(shares) - 1,))


def _rank(share: int | Percent) -> tuple[bool, int]:
    return (True, share.basis_points) if isinstance(share, Percent) else (False, share)


def _read_hold(written: object) -> Duration:
    """A time that may be zero."""
    if written == _NONE:
        return _NONE
    text = read_text(written, "a time")
    return _NONE if text in ("0s", "0ms") else read_duration(written)


def _mistakes(error: PydanticCustomError, path: tuple[str | int, ...], fix: str) -> list[Mistake]:
    if error.type == REFUSED and error.context:
        found: tuple[Mistake, ...] = error.context["mistakes"]
        return [mistake.within(path) for mistake in found]
    wanted = error.context["wanted"] if error.context else "a value"
    return [Mistake(WRONG_SHAPE, f"this is not {wanted}", fix, path)]


_SHARES = listed(
    "a list of numbers of nodes, then percentages, ascending to 100%",
    either("a number of nodes, or a share", integer("a number of nodes", 1, _MOST, WRONG_NUMBER), SHARE),
    NOTHING_SAID,
    WRONG_NUMBER,
    WRONG_SHAPE,
)


class WaveKeys(Key):
    """Waves as a mapping."""

    shares: Annotated[tuple[int | Percent, ...], Scalar(_read_shares, _SHARES)] | None = field(
        doc="To how many nodes of a kind a change goes in each wave.", example="[1, 10%, 100%]"
    )
    hold: Annotated[Duration, Scalar(_read_hold, TIME)] | None = field(
        doc="How long a wave that has taken a change is watched before the next; 0s: not at all.",
        example="10s",
    )


@dataclass(frozen=True, slots=True)
class Waves(Written):
    """Shares of the nodes that may see the same, ascending to all: numbers of nodes, then percentages.

    `hold` is how long a wave that has taken a change is watched before the next; None where nobody says.
    """

    takes: ClassVar[Takes] = _SHARES
    keys: ClassVar[type[Key]] = WaveKeys

    shares: tuple[int | Percent, ...] | None
    hold: Duration | None = None

    @classmethod
    def read(cls, written: object) -> Self:
        """Read `[1, 10%, 100%]`, or `{shares: [1, 10%, 100%], hold: 10s}`, each key optional."""
        if isinstance(written, cls):
            return written
        if isinstance(written, tuple):
            return cls(_read_shares(written))
        if not isinstance(written, WaveKeys):
            wrong_value("a list of shares, or a mapping of keys")
        if not written.model_fields_set:
            refuse(Mistake(NOTHING_SAID, "there is no wave here", "write [1, 10%, 100%], or remove the key"))
        return cls(written.shares, written.hold)

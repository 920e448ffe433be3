"""`waves`: to how many nodes of a kind a change goes before it goes to the rest.

Imports `catalog.key`, `catalog.problems`, `catalog.scalars` and `units`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, TypeVar

from pydantic_core import PydanticCustomError

from meshctl.catalog.key import REFUSED, Written, refuse, wrong_value
from meshctl.catalog.problems import (
    NOTHING_SAID,
    UNKNOWN_KEY,
    WRONG_NUMBER,
    WRONG_SHAPE,
    Mistake,
    near,
    shown,
)
from meshctl.catalog.scalars import read_duration, read_integer, read_percent, read_text
from meshctl.units import Duration, Percent

T = TypeVar("T")

ALL = Percent(10_000)
_MOST = 1_000_000  # nodes; more than any fleet has
_KEYS = ("shares", "hold")
_NONE = Duration(0)


@dataclass(frozen=True, slots=True)
class Waves(Written):
    """Shares of the nodes that may see the same, ascending to all: numbers of nodes, then percentages.

    `hold` is how long a wave that has taken a change is watched before the next; None where nobody says.
    """

    shares: tuple[int | Percent, ...] | None
    hold: Duration | None = None

    @classmethod
    def read(cls, written: object) -> Self:
        """Read `[1, 10%, 100%]`, or `{shares: [1, 10%, 100%], hold: 10s}`, each key optional."""
        if isinstance(written, cls):
            return written
        if isinstance(written, tuple):
            return cls(_read_shares(written))
        if not isinstance(written, dict):
            wrong_value("a list of shares, or a mapping of keys")
        _check_keys(written)
        mistakes: list[Mistake] = []
        shares = _read_under("shares", written, _read_shares, mistakes)
        hold = _read_under("hold", written, _read_hold, mistakes)
        if mistakes:
            refuse(*mistakes)
        return cls(shares, hold)


def _check_keys(written: Mapping[str, object]) -> None:
    if not written:
        refuse(Mistake(NOTHING_SAID, "there is no wave here", "write [1, 10%, 100%], or remove the key"))
    unknown = [key for key in written if key not in _KEYS and not key.startswith("x-")]
    if unknown:
        refuse(*(_unknown(key) for key in unknown))


def _unknown(key: str) -> Mistake:
    fix = f"write {near(key, _KEYS) or ' or '.join(_KEYS)}"
    return Mistake(UNKNOWN_KEY, f"waves has no key {shown(key)}", fix, (key,), on_key=True)


def _read_under(
    key: str, written: Mapping[str, object], read: Callable[[object], T], mistakes: list[Mistake]
) -> T | None:
    """The value of one key, None where it is left out; what is wrong with it is added to `mistakes`."""
    if key not in written:
        return None
    try:
        return read(written[key])
    except PydanticCustomError as error:
        mistakes += _mistakes(error, (key,), "write shares: [1, 10%, 100%], hold: 10s")
        return None


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

"""Weights: names with the share that each of them gets.

Imports `catalog.key`, `catalog.problems`, `catalog.scalars`, `catalog.takes` and `units`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from pydantic_core import PydanticCustomError

from meshctl.catalog.key import REFUSED, refuse
from meshctl.catalog.problems import NOTHING_SAID, WRONG_SHAPE, WRONG_SUM, Mistake
from meshctl.catalog.scalars import SHARE, read_percent
from meshctl.catalog.takes import Takes, mapped
from meshctl.units import Percent

T = TypeVar("T")

ALL = Percent(10_000)
_NO_SHARE = ("the weight is not a percentage", "write a share such as 5%")


def weights_of(name: Takes) -> Takes:
    """Names of this form with their shares."""
    return mapped("shares that make 100% together", name, SHARE, WRONG_SUM, NOTHING_SAID)


def read_weights(written: Mapping[str, object], read_name: Callable[[object], T]) -> dict[T, Percent]:
    """Names, each read by `read_name`, with their shares, which make 100% together."""
    if not written:
        refuse(Mistake(NOTHING_SAID, "there is no weight here", "write a name, or names with their weights"))
    weights: dict[T, Percent] = {}
    mistakes: list[Mistake] = []
    for key, share in written.items():
        try:
            name = read_name(key)
        except PydanticCustomError as error:
            mistakes += mistakes_at(error, key, _NO_SHARE, on_key=True)
            continue
        try:
            weights[name] = read_percent(share)
        except PydanticCustomError as error:
            mistakes += mistakes_at(error, key, _NO_SHARE, on_key=False)
    if mistakes:
        refuse(*mistakes)
    _check_sum(weights.values())
    return weights


def _check_sum(shares: Iterable[Percent]) -> None:
    total = sum(share.basis_points for share in shares)
    if total != ALL.basis_points:
        missing = Percent(abs(ALL.basis_points - total))
        fix = f"give {missing} {'more' if total < ALL.basis_points else 'less'}"
        refuse(Mistake(WRONG_SUM, f"the weights make {Percent(total)}, not 100%", fix))


def mistakes_at(
    error: PydanticCustomError, key: str, otherwise: tuple[str, str], *, on_key: bool
) -> list[Mistake]:
    """Why a key, or its value, was refused; `otherwise` is said and advised of another kind of value."""
    if error.type == REFUSED and error.context:
        found: tuple[Mistake, ...] = error.context["mistakes"]
        return [mistake.within((key,), on_key=on_key) for mistake in found]
    return [Mistake(WRONG_SHAPE, *otherwise, (key,), on_key)]

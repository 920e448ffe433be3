"""`outliers`: when an endpoint that fails in live traffic is left out.

Imports `catalog.key`, `catalog.problems`, `catalog.scalars`, `catalog.takes` and `units`.
"""

from typing import Annotated

from meshctl.catalog.key import Key, Scalar, field, refuse
from meshctl.catalog.problems import WRONG_NUMBER, WRONG_UNIT, Mistake
from meshctl.catalog.scalars import Time, read_percent, whole
from meshctl.catalog.takes import marked
from meshctl.units import Percent

_FIELDS = "config.cluster.v3.OutlierDetection"


def _read_whole(written: object) -> Percent:
    share = read_percent(written)
    if share.basis_points % 100:
        above = Percent((share.whole() + 1) * 100)
        refuse(Mistake(WRONG_NUMBER, f"{share} is not a whole percentage", f"write {above}"))
    return share


_WHOLE = marked("a whole share such as 5%", r"[0-9]{1,3}(?:\.0{1,2})?%", WRONG_UNIT, WRONG_NUMBER)


class Outliers(Key):
    """When an endpoint that fails in live traffic is left out."""

    consecutive_5xx: Annotated[int, whole(1, 1_000, "a number of answers")] | None = field(
        doc="After so many answers of 500 and above, one after the other.",
        example="5",
        envoy=[f"{_FIELDS}.consecutive_5xx"],
    )
    eject_for: Time | None = field(
        doc="For how long at first; each time it happens again, as much longer.",
        example="30s",
        envoy=[f"{_FIELDS}.base_ejection_time"],
    )
    max_ejected: Annotated[Percent, Scalar(_read_whole, _WHOLE)] | None = field(
        doc="At most this share of the endpoints; 0% switches it off.",
        example="50%",
        envoy=[f"{_FIELDS}.max_ejection_percent"],
    )

"""`outliers`: when an endpoint that fails in live traffic is left out.

Imports `catalog.key`, `catalog.problems`, `catalog.scalars` and `units`.
"""

from typing import Annotated

from pydantic import PlainValidator

from meshctl.catalog.key import Key, field, refuse
from meshctl.catalog.problems import WRONG_NUMBER, Mistake
from meshctl.catalog.scalars import Time, read_integer, read_percent
from meshctl.units import Percent

_MOST = 1_000


def _read_whole(written: object) -> Percent:
    share = read_percent(written)
    if share.basis_points % 100:
        above = Percent((share.whole() + 1) * 100)
        refuse(Mistake(WRONG_NUMBER, f"{share} is not a whole percentage", f"write {above}"))
    return share


class Outliers(Key):
    """When an endpoint that fails in live traffic is left out. Envoy: config.cluster.v3.OutlierDetection."""

    consecutive_5xx: (
        Annotated[int, PlainValidator(lambda n: read_integer(n, 1, _MOST, "a number of answers"))] | None
    ) = field(doc="After so many answers of 500 and above, one after the other.", example="5")
    eject_for: Time | None = field(
        doc="For how long at first; each time it happens again, as much longer. Envoy: base_ejection_time.",
        example="30s",
    )
    max_ejected: Annotated[Percent, PlainValidator(_read_whole)] | None = field(
        doc="At most this share of the endpoints; 0% switches it off. Envoy: max_ejection_percent.",
        example="50%",
    )

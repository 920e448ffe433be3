import pytest

from meshctl.fleet.fleet import Refusal
from meshctl.fleet.tally import Tally, enough
from meshctl.names import CLUSTER, Ref

A, B = (Refusal(Ref(CLUSTER, name), "1", "no", 0.0) for name in "ab")


@pytest.mark.parametrize(("nodes", "needed"), [(0, 2), (1, 2), (20, 2), (21, 3), (200, 20)])
def test_ten_percent_and_at_least_two_are_enough(nodes: int, needed: int) -> None:
    assert enough(nodes) == needed


def test_refusals_are_counted_once_a_node_and_forgotten_when_they_are_over() -> None:
    tally = Tally()
    assert tally.hear("m", (A, B)) == [A, B]
    assert not tally.hear("m", (A, B))
    assert tally.hear("n", (A,)) == [A]
    assert set(tally.refusing((A.ref, "1"))) == {"m", "n"}
    tally.hear("m", (B,))
    assert set(tally.refusing((A.ref, "1"))) == {"n"}
    tally.hear("m", ())
    tally.hear("n", ())
    assert not tally
    assert not tally.refusing((A.ref, "1"))

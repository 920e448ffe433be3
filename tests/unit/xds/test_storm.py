"""Two hundred nodes refuse endpoints and blame nobody: how often each is given them, with a control."""

from math import log2

from meshctl.fleet.search import Search
from tests.support.crowd import Crowd, Everybody, Member, wanted
from tests.support.xds_world import endpoints

NODES, NAMES = 200, [f"s{number:02}/v1" for number in range(16)]
GOOD = {name: endpoints(name) for name in NAMES}
NEW = {name: endpoints(name, 1) for name in NAMES}
POISON = NEW[NAMES[5]].version
MOST_REFUSALS = NODES + 2 * int(log2(len(NAMES)))


def storm(search: Search[Member]) -> Crowd:
    """All that is new at once."""
    crowd = Crowd([{POISON}] * NODES, search)
    crowd.join(NAMES)
    crowd.publish(GOOD.values())
    crowd.play()
    for one in crowd.members:
        one.answers = 0
    crowd.publish(NEW.values())
    crowd.play()
    good, new = ({name: one.version for name, one in some.items()} for some in (GOOD, NEW))
    assert all(one.held == wanted(one, good, new) for one in crowd.members)
    return crowd


def test_one_node_looks_for_the_culprit_and_the_others_leave_it_out() -> None:
    members = storm(Search()).members
    (first, *others) = sorted(members, key=lambda one: -one.answers)
    assert {(one.answers, one.receipts[POISON]) for one in others} == {(2, 1)}
    assert first.answers <= 2 * log2(len(NAMES)) + 2
    assert sum(one.refusals for one in members) <= MOST_REFUSALS
    assert all(len(one.stream.status(100.0).refusals) == 1 for one in members)


def test_control_where_each_node_looks_by_itself_all_are_given_it_again_and_again() -> None:
    members = storm(Everybody()).members
    assert all(one.receipts[POISON] > 1 for one in members)
    assert sum(one.refusals for one in members) > 4 * MOST_REFUSALS

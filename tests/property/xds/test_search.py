"""Whatever nodes refuse without a name, whoever leaves, whatever changes: each has all that it takes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from meshctl.fleet.search import Search
from tests.support.crowd import Crowd, wanted
from tests.support.xds_world import endpoints

NAMES = [f"{letter}/v1" for letter in "abcdef"]
GENERATIONS = [{name: endpoints(name, number) for name in NAMES} for number in range(3)]
LATER = st.sampled_from([one.version for some in GENERATIONS[1:] for one in some.values()])
Changed = st.sets(st.sampled_from(NAMES))


@settings(max_examples=150, deadline=None)
@given(
    refuses=st.lists(st.frozensets(LATER, max_size=4), min_size=1, max_size=5),
    edits=st.lists(st.tuples(st.sampled_from([1, 2]), Changed, st.integers(0, 12)), max_size=4),
    leaves=st.integers(0, 5),
)
def test_every_node_has_in_the_end_what_it_does_not_refuse(
    refuses: list[frozenset[str]], edits: list[tuple[int, set[str], int]], leaves: int
) -> None:
    crowd = Crowd(refuses, Search())
    crowd.join(NAMES)
    now = dict(GENERATIONS[0])
    crowd.publish(now.values())
    crowd.play()
    for generation, names, steps in edits:
        now |= {name: GENERATIONS[generation][name] for name in names}
        crowd.publish(now.values())
        crowd.play(steps)
    if leaves < len(crowd.members):
        crowd.leave(crowd.members[leaves])
    crowd.play()
    new = {name: one.version for name, one in now.items()}
    for one in crowd.members:
        kept = wanted(one, one.held, new)
        assert one.held == kept
        assert not one.stream.in_doubt(100.0)
        refused = {each.ref.name for each in one.stream.status(100.0).refusals}
        assert refused == {name for name, version in new.items() if version in one.refuses}

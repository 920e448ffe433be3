"""Whatever one node refused, and however it came back: once all is repaired it has its view."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from meshctl.fleet.fleet import NodeState
from meshctl.fleet.waves import Run
from tests.support.refusing_client import Edit
from tests.support.repairs import SERVICES, World

Step: TypeAlias = "partial[None]"

REPAIRED_S = 300.0
"""Within which a node has its view: runs stop after 20 s, and a refused listener is tried each minute."""

edits = st.dictionaries(st.sampled_from(SERVICES), st.sampled_from(Edit), min_size=1)
anew = st.booleans()
steps = st.lists(
    st.one_of(
        st.builds(partial, st.just(World.edit), edits=edits),
        st.builds(partial, st.just(World.exchange), messages=st.one_of(st.integers(1, 9), st.none())),
        st.builds(
            partial,
            st.just(World.pass_time),
            seconds=st.sampled_from([0.1, 1.0, 5.0, 19.0, 21.0, 31.0]),
            talk=st.booleans(),
        ),
        st.builds(partial, st.just(World.connect), anew=anew),
        st.builds(partial, st.just(World.restart), lost=st.integers(0, 2), anew=anew),
        st.builds(partial, st.just(World.occupy), taken=st.booleans()),
    ),
    max_size=14,
)
repairs = st.lists(
    st.dictionaries(st.sampled_from(SERVICES), st.sampled_from([Edit.ENDPOINTS, Edit.CLUSTER]), min_size=1),
    max_size=3,
)


REPAIRED_TOO_EARLY: Sequence[Step] = (
    partial(World.edit, edits={"sync": Edit.BAD_ENDPOINTS}),
    partial(World.connect, anew=False),
    partial(World.edit, edits={"sync": Edit.CLUSTER_AND_BAD_ENDPOINTS}),
)
"""A run that the node cannot take, as its cluster waits for endpoints; repaired before that is known."""


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=steps, repairs=repairs, returns_s=st.sampled_from([0.0, 5.0, 30.0]), names_culprits=st.booleans()
)
@example(steps=REPAIRED_TOO_EARLY, repairs=[], returns_s=0.0, names_culprits=False)
def test_node_ends_with_its_view(
    steps: Sequence[Step],
    repairs: Sequence[Mapping[str, Edit]],
    returns_s: float,
    *,
    names_culprits: bool,
) -> None:
    world = played(steps, repairs, returns_s=returns_s, names_culprits=names_culprits)
    assert world.client.held == world.newest
    assert world.state == (NodeState.SYNCED, "")


def test_without_overtaking_a_repair_waits_for_a_run_that_never_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Run, "is_overtaken", lambda *_: False)
    world = played(REPAIRED_TOO_EARLY, [], returns_s=0.0, names_culprits=False)
    assert world.client.held != world.newest
    assert world.state[0] is NodeState.REFUSED


def played(
    steps: Sequence[Step], repairs: Sequence[Mapping[str, Edit]], *, returns_s: float, names_culprits: bool
) -> World:
    """After all steps each service is repaired, some of them in publications of their own."""
    world = World(returns_s=returns_s, names_culprits=names_culprits)
    for do in steps:
        do(world)
    world.occupy(taken=False)
    for some in repairs:
        world.edit(some)
        world.exchange(2)
    world.edit(dict.fromkeys(SERVICES, Edit.CLUSTER))
    world.pass_time(REPAIRED_S)
    return world

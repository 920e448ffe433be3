"""Whatever is published: what changed of a view is told as a comparison of all of it would tell it."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from meshctl.names import CLUSTER, Ref
from meshctl.snapshot import Resource, Snapshot, View, ViewSnapshot
from tests.support.xds_world import cluster

NAMES = tuple("abcdefgh")
PUBLICATIONS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3)),  # clusters in another generation
        st.sets(st.sampled_from(NAMES)),  # which of them the view holds from now on
    ),
    max_size=5,
)


def published(snapshot: Snapshot, generations: Mapping[str, int], held: set[str]) -> Snapshot:
    resources = {one.key: one for one in (cluster(*pair) for pair in generations.items())}
    keys = {key.ref: key for key in (cluster(name).key for name in sorted(held))}
    return snapshot.publish(resources, {"view": View("view", keys), "other": View("other", {})})


def of_all(snapshot: Snapshot) -> ViewSnapshot:
    view = snapshot.view("view")
    assert view is not None
    return view


def seen(view: ViewSnapshot) -> dict[Ref, Resource | None]:
    return {ref: view.get(ref) for ref in (Ref(CLUSTER, name) for name in NAMES)}


@given(PUBLICATIONS)
def test_changes_of_a_view_are_those_that_a_comparison_finds(
    publications: list[tuple[dict[str, int], set[str]]],
) -> None:
    snapshots = [published(Snapshot(), dict.fromkeys(NAMES, 0), set(NAMES[:2]))]
    for generations, held in publications:
        snapshots.append(published(snapshots[-1], generations, held))
    newest = of_all(snapshots[-1])
    for older in map(of_all, snapshots):
        before, after = seen(older), seen(newest)
        assert newest.changed_since(older) == {ref for ref in before if before[ref] != after[ref]}

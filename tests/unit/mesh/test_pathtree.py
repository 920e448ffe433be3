"""The tree finds exactly the paths that comparing every pair would."""

from hypothesis import given
from hypothesis import strategies as st

from meshctl.mesh.match import PathMatch, Variable
from meshctl.mesh.pathtree import PathTree

SEGMENTS = st.lists(st.sampled_from(["a", "b", ""]) | st.just(Variable("x")), max_size=3)
PATHS = st.builds(PathMatch, st.builds(tuple, SEGMENTS), st.booleans())


@given(st.lists(PATHS, max_size=8), PATHS)
def test_what_meets_a_path_is_what_has_a_request_in_common(paths: list[PathMatch], asked: PathMatch) -> None:
    tree: PathTree[int] = PathTree()
    for number, path in enumerate(paths):
        tree.add(path, number)
    expected = [number for number, path in enumerate(paths) if path.both(asked) is not None]
    assert sorted(tree.meeting(asked)) == expected

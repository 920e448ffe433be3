"""What two matches have in common, and what lies within another, agree with asking request by request."""

from hypothesis import given
from hypothesis import strategies as st

from meshctl.catalog.keys.path import PathPattern
from meshctl.mesh.match import PathMatch, RequestMatch, Variable

WORDS = st.sampled_from(["a", "b", ""])
SEGMENTS = st.lists(WORDS | st.just(Variable("x")), max_size=3)
PATHS = st.builds(PathMatch, st.builds(tuple, SEGMENTS), st.booleans()).filter(
    lambda path: path.below or bool(path.segments)
)
ASKED = st.builds(lambda words: "/" + "/".join(words), st.lists(WORDS, min_size=1, max_size=4))
HEADERS = st.dictionaries(st.sampled_from(["h", "i"]), st.sampled_from("12"), max_size=2)
METHODS = st.lists(st.sampled_from(["GET", "PUT"]), max_size=2, unique=True)
MATCHES = st.builds(
    lambda path, methods, headers: RequestMatch(path, tuple(methods), tuple(sorted(headers.items()))),
    PATHS,
    METHODS,
    HEADERS,
)


@given(PATHS, PATHS, ASKED)
def test_a_path_is_of_both_exactly_when_each_holds(one: PathMatch, other: PathMatch, asked: str) -> None:
    both = one.both(other)
    assert (both is not None and both.holds(asked)) == (one.holds(asked) and other.holds(asked))


@given(PATHS, PATHS, ASKED)
def test_what_lies_within_another_never_matches_more(inner: PathMatch, outer: PathMatch, asked: str) -> None:
    if inner.within(outer) and inner.holds(asked):
        assert outer.holds(asked)


@given(MATCHES, MATCHES, st.sampled_from(["GET", "PUT", "POST"]), ASKED, HEADERS)
def test_a_request_is_of_both_exactly_when_each_holds(
    one: RequestMatch, other: RequestMatch, method: str, path: str, headers: dict[str, str]
) -> None:
    both = one.both(other)
    each = one.holds(method, path, headers) and other.holds(method, path, headers)
    assert (both is not None and both.holds(method, path, headers)) == each


def test_below_is_the_path_itself_and_everything_under_it() -> None:
    path = PathMatch.of(PathPattern.read("/a/**"))
    assert [asked for asked in ("/a", "/a/", "/a/b", "/ab", "//a", "/") if path.holds(asked)] == [
        "/a",
        "/a/",
        "/a/b",
    ]


def test_a_named_segment_is_one_segment_that_is_not_empty() -> None:
    path = PathMatch.of(PathPattern.read("/a/{x}/c.json"))
    assert [asked for asked in ("/a/b/c.json", "/a//c.json", "/a/b/d/c.json") if path.holds(asked)] == [
        "/a/b/c.json"
    ]

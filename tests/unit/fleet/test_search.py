"""Who looks for a culprit that no refusal names, and when the others are told."""

from meshctl.fleet.search import Search
from meshctl.names import ENDPOINTS, Ref

NOTHING = frozenset[tuple[Ref, str]]()
ONE, OTHER = (Ref(ENDPOINTS, "a/v1"), "1"), (Ref(ENDPOINTS, "b/v1"), "1")


def test_the_first_that_asks_has_the_turn_until_it_is_in_doubt_no_longer() -> None:
    search = Search[str]()
    assert search.tell("a", NOTHING, in_doubt=True) == ("a",)
    assert search.tell("b", NOTHING, in_doubt=True) == ()
    assert [who for who in "ab" if search.has_turn(who)] == ["a"]
    assert search.tell("a", NOTHING, in_doubt=False) == ("b",)
    assert [who for who in "ab" if search.has_turn(who)] == ["b"]


def test_the_turn_of_a_node_that_leaves_passes_on() -> None:
    search = Search[str]()
    search.tell("a", NOTHING, in_doubt=True)
    search.tell("b", NOTHING, in_doubt=True)
    assert search.leave("a") == ("b",)
    assert search.has_turn("b")
    assert search.leave("b") == ()


def test_what_is_found_is_told_when_the_search_is_over() -> None:
    search = Search[str]()
    for who in "abc":
        search.tell(who, NOTHING, in_doubt=True)
    assert search.tell("a", frozenset({ONE}), in_doubt=True) == ()
    assert not search.is_found(ONE)
    assert search.tell("a", frozenset({ONE, OTHER}), in_doubt=False) == ("b", "c")
    assert search.is_found(ONE)
    assert search.is_found(OTHER)


def test_what_nobody_refuses_any_more_is_not_found() -> None:
    search = Search[str]()
    for who in "ab":
        search.tell(who, frozenset({ONE}), in_doubt=False)
    search.leave("a")
    assert search.is_found(ONE)
    search.tell("b", NOTHING, in_doubt=False)
    assert not search.is_found(ONE)


def test_what_a_node_refused_before_counts_while_it_looks_for_more() -> None:
    search = Search[str]()
    search.tell("a", frozenset({ONE}), in_doubt=False)
    search.tell("a", frozenset({ONE}), in_doubt=True)
    assert search.is_found(ONE)

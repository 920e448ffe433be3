"""The graph computes what changed and no more, and ends where computing from nothing would."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshctl.graph import Graph, Index, Look, Rule, Source

NUMBERS: Source[str, int] = Source("numbers")
CLAIMS: Index[str, str] = Index("claims", stratum=2)


class Counting:
    """Rules over numbers that count how often each cell was computed."""

    def __init__(self) -> None:
        self.computed: list[str] = []
        self.half: Rule[str, int] = Rule("half", 1, self._half)
        self.total: Rule[str, int] = Rule("total", 3, self._total)

    def _half(self, look: Look, key: str) -> int:
        self.computed.append(f"half {key}")
        number = look.given(NUMBERS, key)
        if number is not None:
            look.claim(CLAIMS, "present", key)
        return (number or 0) // 2

    def _total(self, look: Look, keys: str) -> int:
        self.computed.append(f"total {keys}")
        return sum(look(self.half, key) for key in keys)


def test_a_value_that_comes_out_equal_stops_the_change() -> None:
    rules = Counting()
    graph = Graph([rules.total])
    graph.put(NUMBERS, "a", 4)
    assert graph.keep(rules.total, "ab") == 2
    graph.take_changed(rules.total)
    rules.computed.clear()
    graph.put(NUMBERS, "a", 5)
    assert graph.take_changed(rules.total) == []
    assert rules.computed == ["half a"]


def test_an_absent_input_is_a_recorded_read() -> None:
    rules = Counting()
    graph = Graph([rules.total])
    assert graph.keep(rules.total, "ab") == 0
    graph.put(NUMBERS, "b", 6)
    assert graph.value(rules.total, "ab") == 3
    graph.put(NUMBERS, "b", None)
    assert graph.value(rules.total, "ab") == 0


def test_a_cell_that_nobody_wants_any_more_is_dropped() -> None:
    rules = Counting()
    graph = Graph([rules.total])
    graph.keep(rules.total, "ab")
    graph.release(rules.total, "ab")
    assert len(graph) == 0


def test_a_claim_lasts_as_long_as_the_cell_that_makes_it() -> None:
    rules = Counting()
    present: Rule[str, tuple[str, ...]] = Rule("present", 3, lambda look, key: look.claimed(CLAIMS, key))
    graph = Graph()
    for key in "ba":
        graph.put(NUMBERS, key, 1)
        graph.keep(rules.half, key)
    assert graph.keep(present, "present") == ("a", "b")
    graph.put(NUMBERS, "a", None)
    assert graph.value(present, "present") == ("b",)
    graph.release(rules.half, "b")
    assert graph.value(present, "present") == ()


def test_reading_the_own_stratum_is_refused() -> None:
    rules = Counting()
    loop: Rule[str, int] = Rule("loop", 1, lambda look, key: look(rules.half, key))
    with pytest.raises(AssertionError, match="not a lower stratum"):
        Graph().keep(loop, "a")


KEYS = "abc"
EDITS = st.lists(st.tuples(st.sampled_from(KEYS), st.none() | st.integers(0, 9)), max_size=30)


@given(EDITS)
def test_after_any_edits_the_values_are_those_of_a_fresh_graph(edits: list[tuple[str, int | None]]) -> None:
    rules = Counting()
    graph, wanted = Graph(), {}
    graph.keep(rules.total, KEYS)
    for key, number in edits:
        graph.put(NUMBERS, key, number)
        wanted[key] = number
        assert graph.value(rules.total, KEYS) == _fresh(rules, wanted)


def _fresh(rules: Counting, numbers: dict[str, int | None]) -> int:
    graph = Graph()
    for key, number in numbers.items():
        graph.put(NUMBERS, key, number)
    keep: Callable[[Rule[str, int], str], int] = graph.keep
    return keep(rules.total, KEYS)

"""Whom a refusal is about that names nobody: halves where it is the node's turn, else what others found."""

from meshctl.xds.trials import Culprit, IsFound, Trials

NOBODY = frozenset[str]()


def of(names: str) -> dict[str, str]:
    return {name: f"{name}1" for name in names}


def found(*names: str) -> IsFound:
    return lambda name, version: name in names and version == f"{name}1"


def doubting(names: str) -> Trials:
    trials = Trials()
    assert trials.refused(of(names), NOBODY, "no good") == NOBODY
    return trials


def test_halves_are_tried_until_one_is_alone() -> None:
    trials, culprits, tried = doubting("abcde"), NOBODY, 0
    while trials.pending:
        trials.go_on(found(), turn=True)
        assert trials.batch is not None
        tried += 1
        if "c" in trials.batch:
            culprits |= trials.refused(of("".join(trials.batch)), NOBODY, "no good")
        else:
            assert trials.accepted(of("".join(trials.batch))) is None
    assert culprits == frozenset("c")
    assert tried == 4


def test_without_a_turn_names_stay_and_others_may_go() -> None:
    trials = doubting("abc")
    assert trials.go_on(found(), turn=False) == NOBODY
    assert trials.batch is None
    assert [name for name in "abcd" if trials.holds(name)] == ["a", "b", "c"]
    assert trials.accepted(of("d")) is None
    assert trials.pending


def test_what_others_found_is_left_out_and_is_the_culprit_if_the_rest_is_accepted() -> None:
    trials = doubting("abc")
    assert trials.go_on(found("b"), turn=False) == set("abc")
    assert trials.batch == frozenset("ac")
    assert trials.accepted(of("ac")) == Culprit("b", "b1", "no good")
    assert not trials.pending


def test_nobody_is_the_culprit_where_the_rest_was_accepted_with_other_bytes() -> None:
    trials = doubting("abc")
    trials.go_on(found("b"), turn=False)
    assert trials.accepted({"a": "a1", "c": "c2"}) is None
    assert trials.holds("b")
    trials.go_on(found("b"), turn=True)
    assert trials.batch == frozenset("b")


def test_nobody_is_the_culprit_where_the_rest_is_refused_too() -> None:
    trials = doubting("abc")
    trials.go_on(found("b"), turn=False)
    assert trials.refused(of("ac"), NOBODY, "no good") == NOBODY
    assert [name for name in "abc" if trials.holds(name)] == ["a", "b", "c"]


def test_of_two_that_others_found_neither_is_the_culprit_for_sure() -> None:
    trials = doubting("abc")
    trials.go_on(found("a", "b"), turn=False)
    assert trials.batch == frozenset("c")
    assert trials.accepted(of("c")) is None
    assert [name for name in "abc" if trials.holds(name)] == ["a", "b"]


def test_another_of_two_that_others_found_has_changed() -> None:
    trials = doubting("abc")
    trials.go_on(found("a", "b"), turn=False)
    trials.changed("a")
    assert trials.accepted(of("c")) is None
    assert [name for name in "abc" if trials.holds(name)] == ["b"]


def test_other_hashes_than_those_that_others_found_say_nothing() -> None:
    trials = doubting("ab")
    assert trials.go_on(lambda name, version: (name, version) == ("a", "a0"), turn=False) == NOBODY
    assert trials.batch is None


def test_a_name_that_changes_takes_those_out_of_doubt_that_were_refused_with_it() -> None:
    trials = doubting("ab")
    trials.refused(of("cd"), NOBODY, "no good")
    assert trials.changed("a") == set("ab")
    assert [name for name in "abcd" if trials.holds(name)] == ["c", "d"]


def test_who_is_named_is_taken_out_and_the_rest_is_tried_together_without_a_turn() -> None:
    trials = Trials()
    assert trials.refused(of("abc"), frozenset("b"), "no good") == {"b"}
    assert trials.batch == frozenset("ac")

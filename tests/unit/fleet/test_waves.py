from collections.abc import Iterable
from dataclasses import replace

import pytest

from meshctl.fleet.fleet import NodeState, NodeStatus, Refusal, TypeStatus
from meshctl.fleet.node import Node
from meshctl.fleet.pace import Pace, Share, ordered, size
from meshctl.fleet.silence import SILENCE
from meshctl.fleet.waves import End, Lead, Run, Stop
from meshctl.names import CLUSTER, Ref, Role
from meshctl.units import Percent

ALL = Percent(10_000)
PACE = Pace((1, Percent(1_000), ALL), hold=10.0)
A, B = Ref(CLUSTER, "a"), Ref(CLUSTER, "b")


class Fleet:
    """A run with nodes that do what a test says; the revision is that of the newest wave."""

    def __init__(self, nodes: int, pace: Pace = PACE, leaders: Iterable[str] = ()) -> None:
        self.run, self.now, self.revision = Run(pace, leaders, {A: "1"}, 0.0, revision=1), 0.0, 1
        for number in range(nodes):
            self.run.join(f"n{number}", 0.0)

    def step(self) -> Lead | End | None:
        """Let the run do what it wants now."""
        found = self.run.step(self.now)
        if isinstance(found, Lead):
            self.revision += 1
            self.run.lead(found.nodes, self.now, revision=self.revision)
        return found

    def take(self, *nodes: str) -> None:
        """These nodes, or all that were given it, have taken it."""
        for node in nodes or tuple(self.run.leaders):
            self.run.hear(status(node, self.revision), self.now)

    def refuse(self, node: str, version: str = "1") -> None:
        refusal = Refusal(A, version, "no", self.now)
        self.run.hear(status(node, self.revision, refusal), self.now)

    def ask(self, *nodes: str, sent_at: float | None = None) -> None:
        """These nodes were sent an answer, now or then, and leave it unanswered."""
        owed = TypeStatus("rds", sent_at=self.now if sent_at is None else sent_at, unanswered=True)
        for node in nodes:
            self.run.hear(replace(status(node, 0), types=(owed,)), self.now)

    def ask_both(self) -> set[str]:
        """The first node and a second one are asked in vain, one after the other."""
        self.ask(self.first())
        self.now += SILENCE
        second = self.step()
        assert isinstance(second, Lead)
        self.ask(*second.nodes)
        self.now += SILENCE
        return set(self.run.leaders)

    def first(self) -> str:
        """Take the first wave, and give its node."""
        self.step()
        (node,) = self.run.leaders
        return node


def status(node: str, reached: int, *refusals: Refusal) -> NodeStatus:
    named = Node(node, Role.SIDECAR, ("web",), client="1.40")
    return NodeStatus(named, named.view, NodeState.SYNCED, refusals=refusals, reached=reached)


@pytest.mark.parametrize(
    ("share", "nodes", "expected"),
    [(1, 0, 1), (3, 2, 2), (Percent(1_000), 11, 2), (Percent(1), 5, 1), (ALL, 7, 7)],
)
def test_shares_round_up_and_are_at_least_one_and_no_more_than_there_are(
    share: Share, nodes: int, expected: int
) -> None:
    assert size(share, nodes) == expected


def test_order_is_the_same_however_nodes_come_and_sick_ones_are_last() -> None:
    names = [f"web@h{number}" for number in range(9)]
    order = ordered(names)
    assert order == ordered(reversed(names))
    assert order != sorted(names)
    assert ordered(names, [order[0]]) == [*order[1:], order[0]]


def test_first_wave_is_one_node_and_the_next_comes_after_all_of_it_took_it_and_the_hold() -> None:
    fleet = Fleet(30)
    fleet.first()
    fleet.now = 5.0
    assert fleet.step() is None
    assert fleet.run.goes_on_at(fleet.now) is None
    fleet.take()
    fleet.now = 14.9
    assert fleet.step() is None
    assert fleet.run.deadline(fleet.now) == fleet.run.goes_on_at(fleet.now) == 15.0
    fleet.now = 15.0
    fleet.step()
    assert len(fleet.run.leaders) == 3
    assert fleet.run.wave == 1
    assert fleet.run.reached == 1
    fleet.take()
    fleet.now = 25.0
    fleet.step()
    assert len(fleet.run.leaders) == 30
    fleet.take()
    assert fleet.step() == End()


def test_single_node_has_one_wave_and_no_hold() -> None:
    fleet = Fleet(1)
    fleet.first()
    fleet.take()
    assert fleet.step() == End()


def test_waves_that_are_reached_already_are_passed_over() -> None:
    fleet = Fleet(3)
    fleet.first()
    fleet.take()
    fleet.now = 10.0
    fleet.step()
    assert len(fleet.run.leaders) == 3
    fleet.step()
    assert fleet.run.is_last


def test_first_node_that_refuses_or_is_silent_is_not_believed_before_a_second_was_tried() -> None:
    for silent in (False, True):
        fleet = Fleet(30)
        node = fleet.first()
        if silent:
            fleet.now = SILENCE
        else:
            fleet.refuse(node)
        second = fleet.step()
        assert isinstance(second, Lead)
        assert len(second.nodes) == 1
        assert fleet.run.stop(fleet.now) is None
        fleet.take(*second.nodes)
        fleet.now += 10.0
        assert fleet.step() == Lead(frozenset(ordered(f"n{number}" for number in range(30))[2:3]))
        assert fleet.run.stop(fleet.now) is None, "the node is to blame, and fleet says so of it"


def test_run_stops_when_both_refuse_until_one_takes_it() -> None:
    fleet = Fleet(3)
    first = fleet.first()
    fleet.refuse(first)
    second = fleet.step()
    assert isinstance(second, Lead)
    fleet.refuse(*second.nodes)
    fleet.now = 1000.0
    assert fleet.step() is None
    assert fleet.run.stop(fleet.now) == Stop(min(first, *second.nodes), Refusal(A, "1", "no", 0.0))
    assert fleet.run.heirs(fleet.now) == {first, *second.nodes}
    assert fleet.run.is_superseded({Ref(CLUSTER, "b")}, fleet.now), "what changes beside it does not wait"
    fleet.take(*second.nodes)
    assert fleet.run.stop(fleet.now) is None
    fleet.now += 10.0
    assert isinstance(fleet.step(), Lead)


def test_one_of_several_in_a_first_wave_that_refuses_stops_the_run() -> None:
    fleet = Fleet(9, Pace((3, ALL), 0.0))
    fleet.step()
    node, *others = sorted(fleet.run.leaders)
    fleet.take(*others)
    fleet.refuse(node)
    assert fleet.step() is None
    assert fleet.run.stop(fleet.now) == Stop(node, Refusal(A, "1", "no", 0.0))


def test_refusal_in_a_later_wave_stops_the_run() -> None:
    fleet = Fleet(30)
    fleet.first()
    fleet.take()
    fleet.now = 10.0
    found = fleet.step()
    assert isinstance(found, Lead)
    node, other = sorted(found.nodes)
    fleet.take(other)
    fleet.refuse(node)
    fleet.now = 1000.0
    assert fleet.step() is None
    stop = fleet.run.stop(fleet.now)
    assert stop is not None
    assert stop.node == node


def test_refusal_of_something_else_stops_nothing() -> None:
    fleet = Fleet(3)
    fleet.refuse(fleet.first(), version="0")
    assert fleet.run.stop(fleet.now) is None


def test_silence_stops_the_run_and_a_late_answer_lets_it_go_on() -> None:
    fleet = Fleet(1)
    node = fleet.first()
    assert fleet.run.deadline(0.0) == SILENCE
    fleet.now = SILENCE
    assert fleet.step() is None
    assert fleet.run.stop(fleet.now) == Stop(node)
    assert fleet.run.waits_for == [node]
    assert not fleet.run.is_superseded({Ref(CLUSTER, "b")}, fleet.now)
    assert fleet.run.is_superseded({A}, fleet.now)
    fleet.take(node)
    assert fleet.run.stop(fleet.now) is None
    assert fleet.step() == End()


def test_run_that_is_stopped_is_overtaken_by_a_repair_that_waits() -> None:
    fleet = Fleet(1)
    node = fleet.first()
    assert not fleet.run.is_overtaken({A}, fleet.now)
    fleet.now = SILENCE
    assert fleet.run.is_overtaken({A}, fleet.now)
    assert not fleet.run.is_overtaken({B}, fleet.now)
    assert not fleet.run.is_overtaken(set(), fleet.now)
    fleet.take(node)
    assert not fleet.run.is_overtaken({A}, fleet.now)


def test_what_a_late_node_refuses_beside_the_run_is_repaired_before_it() -> None:
    fleet = Fleet(1)
    node = fleet.first()
    fleet.run.hear(status(node, 0, Refusal(B, "1", "no", 0.0)), 0.0)
    assert not fleet.run.is_superseded({B}, fleet.now)
    fleet.now = SILENCE
    assert fleet.run.stop(fleet.now) == Stop(node)
    assert fleet.run.is_superseded({B}, fleet.now)
    fleet.run.hear(status(node, 0), fleet.now)
    assert not fleet.run.is_superseded({B}, fleet.now)
    fleet.run.hear(status(node, 0, Refusal(B, "1", "no", 0.0)), fleet.now)
    fleet.run.leave(node, fleet.now)
    fleet.run.join(node, fleet.now)
    fleet.now += SILENCE
    assert not fleet.run.is_superseded({B}, fleet.now)


def test_what_is_known_to_be_wrong_is_held_back_and_not_overtaken() -> None:
    refusing, silent = Fleet(1), Fleet(1)
    refusing.refuse(refusing.first())
    silent.ask(silent.first())
    for one in (refusing, silent):
        one.now = SILENCE
        assert one.run.is_superseded({A}, one.now)
        assert not one.run.is_overtaken({A}, one.now)


def test_refusal_in_a_later_wave_lets_a_repair_that_waits_overtake() -> None:
    fleet = Fleet(2)
    first = fleet.first()
    fleet.take(first)
    fleet.now = PACE.hold
    assert isinstance(fleet.step(), Lead)
    fleet.run.leave(first, fleet.now)
    (other,) = fleet.run.leaders - {first}
    fleet.refuse(other)
    assert fleet.run.is_overtaken({B}, fleet.now)


def test_run_in_place_of_one_that_two_nodes_stopped_tries_no_third() -> None:
    fleet = Fleet(9, leaders=["n0", "n1"])
    fleet.refuse("n0")
    fleet.refuse("n1")
    assert fleet.step() is None
    assert fleet.run.stop(fleet.now) is not None


def test_node_that_leaves_and_is_back_is_waited_for_and_keeps_its_wave() -> None:
    fleet = Fleet(3)
    node = fleet.first()
    fleet.run.leave(node, 1.0)
    fleet.now = 2.0
    assert fleet.step() is None
    fleet.run.join(node, 2.0)
    fleet.now = 20.0
    assert fleet.step() is None
    fleet.take(node)
    fleet.now = 30.0
    assert isinstance(fleet.step(), Lead)


def test_another_node_is_taken_when_the_first_stays_away() -> None:
    fleet = Fleet(3)
    node = fleet.first()
    fleet.run.leave(node, 1.0)
    assert fleet.run.deadline(1.0) == 1.0 + SILENCE
    fleet.now = 1.0 + SILENCE
    found = fleet.step()
    assert isinstance(found, Lead)
    assert node not in found.nodes
    assert len(found.nodes) == 1


def test_last_wave_ends_without_those_who_refuse_or_are_silent_if_one_took_it() -> None:
    fleet = Fleet(3, Pace((ALL,), 0.0))
    fleet.step()
    fleet.refuse("n0")
    fleet.take("n1")
    assert fleet.step() is None
    assert fleet.run.stop(fleet.now) is None
    fleet.now = SILENCE
    assert fleet.step() == End()


def test_only_node_that_refuses_stops_the_run() -> None:
    fleet = Fleet(1)
    fleet.refuse(fleet.first())
    fleet.now = 1000.0
    assert fleet.step() is None
    assert fleet.run.stop(fleet.now) is not None


def test_newcomers_of_the_last_wave_do_not_keep_it_from_ending() -> None:
    fleet = Fleet(1)
    fleet.first()
    fleet.take()
    fleet.step()
    fleet.run.join("late", 0.0)
    assert fleet.step() == End()


def test_run_that_goes_on_after_a_restart_takes_nobody_new_before_all_may_be_back() -> None:
    run = Run(PACE, ["n0"], {A: "1"}, 0.0, revision=1, counts_from=30.0)
    for node in ("n0", "n1"):
        run.join(node, 1.0)
    run.hear(status("n0", 1), 1.0)
    assert run.step(29.0) is None
    assert run.deadline(29.0) == 30.0
    assert run.step(30.0) == Lead(frozenset({"n1"}))


def test_pace_that_gets_shorter_holds_for_what_runs() -> None:
    fleet = Fleet(3)
    fleet.first()
    fleet.take()
    assert fleet.step() is None
    fleet.run.keep(Pace((ALL,), 0.0))
    found = fleet.step()
    assert found == End()


def test_other_shares_let_a_run_to_no_more_nodes_before_the_hold_is_over() -> None:
    fleet = Fleet(3)
    node = fleet.first()
    fleet.take()
    assert fleet.step() is None
    assert fleet.run.wave == 2, "a tenth of three nodes is one"
    fleet.run.keep(Pace((1, ALL), 60.0))
    assert fleet.step() is None
    assert fleet.run.wave == 1
    assert fleet.run.leaders == {node}
    fleet.now = 60.0
    found = fleet.step()
    assert isinstance(found, Lead)
    assert fleet.run.leaders == {"n0", "n1", "n2"}


def test_other_shares_go_on_with_the_first_wave_that_was_not_given_to_so_many() -> None:
    fleet = Fleet(30)
    fleet.first()
    fleet.take()
    fleet.now = 10.0
    fleet.run.keep(Pace((2, ALL), hold=10.0))
    fleet.step()
    assert (len(fleet.run.leaders), fleet.run.wave) == (2, 1), "one of the two had it"
    fleet.take()
    fleet.now = 20.0
    fleet.step()
    assert len(fleet.run.leaders) == 30
    fleet.take()
    assert fleet.step() == End()


def test_wave_of_more_nodes_than_there_are_is_one_of_all() -> None:
    fleet = Fleet(3, Pace((1, 10, ALL), hold=10.0))
    fleet.first()
    fleet.take()
    fleet.now = 10.0
    fleet.step()
    assert len(fleet.run.leaders) == 3
    fleet.take()
    assert fleet.step() == End()


def test_change_that_is_amended_forgets_a_refusal_of_what_it_was() -> None:
    fleet = Fleet(3)
    node = fleet.first()
    fleet.refuse(node)
    fleet.run.amend({A: "2"}, fleet.now)
    assert fleet.run.stop(fleet.now) is None
    assert fleet.run.waits_for == [node]


def test_what_the_first_node_and_a_second_one_refuse_is_condemned_and_nothing_that_one_of_them_took() -> None:
    fleet = Fleet(30)
    fleet.refuse(fleet.first())
    assert not fleet.run.condemned(fleet.now)
    first = set(fleet.run.leaders)
    fleet.step()
    assert not fleet.run.condemned(fleet.now)
    (second,) = fleet.run.leaders - first
    fleet.refuse(second)
    assert [one.ref for one in fleet.run.condemned(fleet.now)] == [A]
    fleet.take(second)
    assert not fleet.run.condemned(fleet.now)


def test_only_node_that_refuses_condemns_once_all_others_would_be_back_after_a_restart() -> None:
    run = Run(PACE, (), {A: "1"}, 0.0, revision=1, counts_from=30.0)
    run.join("n", 0.0)
    run.lead({"n"}, 0.0, revision=1)
    run.hear(status("n", 1, Refusal(A, "1", "no", 0.0)), 0.0)
    assert run.step(0.0) is None
    assert not run.condemned(0.0)
    assert run.deadline(0.0) == 30.0
    assert [one.ref for one in run.condemned(30.0)] == [A]


def test_cause_that_lies_in_a_nodes_machine_condemns_nothing() -> None:
    run = Run(PACE, (), {A: "1"}, 0.0, revision=1)
    run.join("n", 0.0)
    run.lead({"n"}, 0.0, revision=1)
    run.hear(status("n", 1, Refusal(A, "1", "in use", 0.0, passing=True)), 0.0)
    assert run.stop(0.0) is not None
    assert not run.condemned(0.0)


def test_two_that_refuse_different_things_condemn_nothing() -> None:
    b = Ref(CLUSTER, "b")
    run = Run(Pace((2, ALL), hold=0.0), (), {A: "1", b: "1"}, 0.0, revision=1)
    for node in ("m", "n"):
        run.join(node, 0.0)
    run.lead({"m", "n"}, 0.0, revision=1)
    run.hear(status("m", 1, Refusal(A, "1", "no", 0.0)), 0.0)
    run.hear(status("n", 1, Refusal(b, "1", "no", 0.0)), 0.0)
    assert not run.condemned(0.0)
    run.hear(status("n", 1, Refusal(A, "1", "no", 0.0), Refusal(b, "1", "no", 0.0)), 0.0)
    assert [one.ref for one in run.condemned(0.0)] == [A]


def test_first_node_and_a_second_one_that_do_not_answer_are_silent() -> None:
    fleet = Fleet(30)
    both = fleet.ask_both()
    assert fleet.run.silent(fleet.now - 0.1) == frozenset()
    assert fleet.run.silent(fleet.now) == both
    assert fleet.step() is None
    assert fleet.run.stop(fleet.now) == Stop(min(both))
    assert not fleet.run.heirs(fleet.now), "a repair begins with nodes that answer"


def test_answer_from_one_of_both_ends_the_silence() -> None:
    for answer in (Fleet.take, Fleet.refuse):
        fleet = Fleet(30)
        both = fleet.ask_both()
        answer(fleet, max(both))
        assert not fleet.run.silent(fleet.now)


def test_only_node_is_silent_once_all_others_would_be_back_after_a_restart() -> None:
    run = Run(PACE, ["n"], {A: "1"}, 0.0, revision=1, counts_from=30.0)
    run.join("n", 1.0)
    owed = TypeStatus("rds", sent_at=1.0, unanswered=True)
    run.hear(replace(status("n", 0), types=(owed,)), 1.0)
    assert not run.silent(29.0)
    assert run.deadline(25.0) == 30.0
    assert run.silent(30.0) == {"n"}


def test_node_that_answers_slowly_or_waits_or_was_silent_before_is_not_silent_about_the_change() -> None:
    fleet = Fleet(1)
    node = fleet.first()
    fleet.now = 15.0
    fleet.ask(node)  # it has answered what it was sent first
    fleet.now = SILENCE
    assert fleet.run.stop(fleet.now) == Stop(node)
    assert not fleet.run.silent(fleet.now)
    assert fleet.run.deadline(fleet.now) == 15.0 + SILENCE
    fleet.run.hear(status(node, 0), fleet.now)  # something waits, and nothing is on its way
    assert not fleet.run.silent(1000.0)
    fleet.ask(node, sent_at=-1.0)
    assert not fleet.run.silent(1000.0)


def test_stream_that_ends_is_no_answer_and_an_envoy_that_is_back_is_asked_anew() -> None:
    fleet = Fleet(3)
    first = fleet.first()
    fleet.ask(first)
    fleet.run.leave(first, 1.0)
    fleet.now = 1.0 + SILENCE
    second = fleet.step()
    assert isinstance(second, Lead)
    fleet.ask(*second.nodes)
    (other,) = second.nodes
    fleet.run.leave(other, fleet.now)
    fleet.now += SILENCE
    assert fleet.run.silent(fleet.now) == {first, other}
    assert fleet.step() is None, "and no third one is tried"
    fleet.run.join(first, fleet.now)
    assert not fleet.run.silent(fleet.now)


def test_only_node_that_leaves_unanswered_is_waited_for() -> None:
    fleet = Fleet(1)
    node = fleet.first()
    fleet.ask(node)
    fleet.run.leave(node, 1.0)
    assert not fleet.run.silent(1000.0)


def test_one_that_refuses_and_one_that_left_in_silence_condemn() -> None:
    fleet = Fleet(3)
    first = fleet.first()
    fleet.ask(first)
    fleet.run.leave(first, 1.0)
    fleet.now = 1.0 + SILENCE
    second = fleet.step()
    assert isinstance(second, Lead)
    fleet.refuse(*second.nodes)
    fleet.step()
    assert [one.ref for one in fleet.run.condemned(fleet.now)] == [A]


def test_second_one_that_refuses_after_the_first_went_away_unasked_is_followed_by_another() -> None:
    fleet = Fleet(3)
    first = fleet.first()
    fleet.run.leave(first, 1.0)
    fleet.now = 1.0 + SILENCE
    second = fleet.step()
    assert isinstance(second, Lead)
    fleet.refuse(*second.nodes)
    assert not fleet.run.condemned(fleet.now)
    assert isinstance(fleet.step(), Lead)

"""What is held back from a view whose first nodes do not answer, or refuse something new; and how it ends."""

from dataclasses import replace

import pytest

from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus, Refusal, TypeStatus
from meshctl.fleet.node import Node
from meshctl.fleet.silence import SILENCE
from meshctl.names import CLUSTER, ROUTES, Ref, Role
from meshctl.serve.publish import Publisher
from meshctl.serve.seats import Seat
from meshctl.snapshot import Resource, Snapshot
from meshctl.snapshot.disk import State
from meshctl.units import Duration
from meshctl.xds.holding import Holding
from tests.support.catalogs import MESH, service
from tests.support.publishing import advance, change, skip_waves

NOON = 1_800_000_000.0
USERS = service("users")
SLOWER = USERS + b"timeouts: {request: 7s}\n"
CATALOG = {"mesh.yaml": MESH, "a/web.yaml": service("web", "users"), "a/users.yaml": USERS}
EGRESS = Ref(ROUTES, "egress/web")
V2 = Ref(CLUSTER, "users/v2")


def node(number: int) -> Node:
    return Node(f"web@{number}", Role.SIDECAR, ("web",), client="1.40")


VIEW = node(0).view


class World:
    """A publisher with nodes of one view that say what a test lets them say."""

    def __init__(self, nodes: int, state: State | None = None) -> None:
        self.now, self.snapshot = 0.0, Snapshot()
        self.texts = dict(state.texts) if state else dict(CATALOG)
        self.accepted: dict[tuple[str, Ref], Holding] = {}
        self.publisher = Publisher(
            Fleet(),
            state,
            stale_limit=Duration.parse("1h"),
            save=self._save,
            now=lambda: self.now,
            clock=lambda: NOON + self.now,
        )
        self.publisher.holds.holding = lambda id_, ref: self.accepted.get((id_, ref))
        self.publisher.begin(self.publisher.catalog.read(dict(self.texts)))
        self.seats: dict[int, Seat] = {number: self.sit(number) for number in range(nodes)}

    def sit(self, number: int) -> Seat:
        return self.publisher.open(node(number), lambda: None)

    def edit(self, users: bytes) -> None:
        change(self.publisher, {"a/users.yaml": users})
        advance(self.publisher)

    def status(self, number: int, of: TypeStatus, **more: object) -> None:
        found = NodeStatus(node(number), VIEW, NodeState.SYNCED, types=(of,), connected_since=0.0)
        self.publisher.hear(replace(found, **more))  # type: ignore[arg-type]
        advance(self.publisher)

    def leaders(self) -> list[int]:
        """Who was given the change that runs."""
        led = self.snapshot.views[VIEW].contents.leaders
        return [number for number in self.seats if node(number).id in led]

    def ask(self) -> None:
        """All who were given the change are sent it now, and do not answer."""
        for number in self.leaders():
            self.status(number, TypeStatus("rds", sent_at=self.now, unanswered=True), reached=0)

    def answer(self, number: int, **more: object) -> None:
        self.status(number, TypeStatus("rds", acked_at=self.now), reached=self.reached(number), **more)

    def refuse(self, number: int, ref: Ref) -> None:
        resource = self.given(number, ref)
        assert resource is not None
        refusal = Refusal(ref, resource.version, "no", self.now)
        of = TypeStatus("cds", nacked_at=self.now)
        self.status(number, of, refusals=(refusal,), reached=self.reached(number))

    def take_all(self) -> None:
        """Everybody accepts what is given."""
        for number, seat in self.seats.items():
            view = seat.view()
            assert view is not None
            for one in view.resources():
                self.accepted[node(number).id, one.ref] = Holding(accepted=one)
            self.answer(number)

    def pass_silence(self) -> None:
        self.now += SILENCE
        advance(self.publisher)

    def given(self, number: int, ref: Ref) -> Resource | None:
        view = self.seats[number].view()
        assert view is not None
        return view.get(ref)

    def reached(self, number: int) -> int:
        view = self.seats[number].view()
        assert view is not None
        return view.revision

    def held(self) -> set[Ref]:
        return {one.ref for one in self.publisher.holds.all()}

    def silent(self) -> list[int]:
        """Both first nodes do not answer an edit of the routes, which is held back for it. Returns who."""
        self.edit(SLOWER)
        self.ask()
        self.pass_silence()
        self.ask()
        both = self.leaders()
        self.pass_silence()
        return both

    def state(self) -> State:
        return State(self.texts, self.snapshot, current_at=NOON + self.now)

    def _save(self, texts: object, snapshot: Snapshot) -> None:
        assert isinstance(texts, dict)
        self.snapshot = snapshot
        self.texts.update(texts)


def test_change_that_two_nodes_leave_unanswered_is_given_to_nobody() -> None:
    world = World(5)
    before = world.given(0, EGRESS)
    both = world.silent()
    assert len(both) == 2
    assert world.held() == {EGRESS}
    assert [world.given(number, EGRESS) for number in world.seats] == [before] * 5
    (told,) = world.publisher.holds.all()
    assert told.held.silent
    assert told.held.reason == f"no answer for 20 s from web@{both[0]}, web@{both[1]}"
    assert not world.publisher.waves.progress()


def test_change_that_the_only_node_leaves_unanswered_is_taken_back_and_what_comes_next_goes_out() -> None:
    world = World(1)
    before = world.given(0, EGRESS)
    world.edit(SLOWER)
    world.ask()
    world.pass_silence()
    assert world.held() == {EGRESS}
    assert world.given(0, EGRESS) == before
    world.edit(SLOWER.replace(b"7s", b"8s"))
    assert not world.held()
    assert world.given(0, EGRESS) != before


def test_repair_goes_to_a_node_that_answers() -> None:
    world = World(5)
    both = world.silent()
    for number in both:
        world.status(number, TypeStatus("rds"), state=NodeState.STALLED)
    world.edit(SLOWER.replace(b"7s", b"8s"))
    assert not set(world.leaders()) & set(both)
    assert len(world.leaders()) == 1


def test_late_answer_lets_the_change_go_out_again_in_waves_and_for_good() -> None:
    world = World(5)
    both = world.silent()
    world.now += 1.0
    world.answer(both[0])
    assert not world.held()
    assert len(world.leaders()) == 1
    world.ask()
    world.pass_silence()
    world.ask()
    world.pass_silence()
    assert not world.held(), "a node that is slow would never keep it"
    assert world.publisher.waves.progress()[0].stopped


@pytest.mark.parametrize("speaks", ["another", "before", "anew"])
def test_what_is_no_answer_of_one_that_was_silent_lets_nothing_go(speaks: str) -> None:
    world = World(5)
    both = world.silent()
    if speaks == "another":
        world.answer(next(number for number in world.seats if number not in both))
    elif speaks == "before":
        world.status(both[0], TypeStatus("eds", acked_at=world.now - 1.0))
    else:
        world.now += 1.0
        world.answer(both[0], connected_since=world.now)
    assert world.held() == {EGRESS}


def test_silent_process_that_comes_back_alive_lets_the_change_go_out_again() -> None:
    world = World(5)
    both = world.silent()
    world.now += 1.0
    world.status(both[0], TypeStatus("rds"), connected_since=world.now, returned=True)
    assert not world.held()


def test_what_was_left_unanswered_is_held_across_a_restart() -> None:
    world = World(5)
    both = world.silent()
    again = World(0, world.state())
    (told,) = again.publisher.holds.all()
    assert told.ref == EGRESS
    assert told.held.silent
    assert told.held.nodes == {node(number).id for number in both}


def test_skipping_waves_waits_for_nobody_who_is_silent() -> None:
    world = World(5)
    before = world.given(0, EGRESS)
    world.silent()
    skip_waves(world.publisher, "test")
    assert not world.held()
    assert before not in [world.given(number, EGRESS) for number in world.seats]


def test_people_see_who_is_held_since_when_and_why() -> None:
    world = World(5)
    world.silent()
    since = world.now
    world.now += 5.0
    synced = [
        NodeStatus(node(number), VIEW, NodeState.SYNCED, connected_since=0.0, state_since=1.0)
        for number in world.seats
    ]
    shown = world.publisher.shown(synced)
    assert {one.state for one in shown} == {NodeState.HELD}
    assert [one.state_since for one in shown] == [pytest.approx(since)] * 5
    assert shown[0].reason.startswith("routes egress/web is held back from sidecar/web@1.40: no answer")
    assert shown[0].reason is shown[4].reason, "said once for a view, however many nodes it has"


TWO = b"service: users\nport: 80\nversions:\n  v1: {endpoints: [127.0.0.1]}\n  v2: {endpoints: [127.0.0.2]}\n"
"""A second version, which nothing is sent to yet: a new cluster, and its endpoints."""
ONE = b"service: users\nport: 80\nversions:\n  v1: {endpoints: [127.0.0.1]}\nserving: v1\n"
TWO += b"serving: v1\n"


def new_cluster(world: World) -> None:
    """A cluster that did not exist goes to all nodes, and its run ends."""
    world.edit(ONE)
    skip_waves(world.publisher, "test")
    world.take_all()
    world.edit(TWO)
    skip_waves(world.publisher, "test")
    assert world.given(0, V2) is not None


def test_new_name_that_nodes_refuse_after_its_run_is_held_back_as_absent() -> None:
    world = World(5)
    new_cluster(world)
    for number in (0, 1):
        world.refuse(number, V2)
    assert world.held() == {V2}
    assert [world.given(number, V2) for number in world.seats] == [None] * 5


def test_new_name_is_held_back_in_a_view_that_never_had_another() -> None:
    world = World(3)
    users = Ref(CLUSTER, "users/v1")
    for number in (0, 1):
        world.refuse(number, users)
    assert world.held() == {users}


def test_name_that_a_node_may_have_in_another_version_is_not_taken_for_new() -> None:
    world = World(5)
    new_cluster(world)
    world.accepted[node(4).id, V2] = Holding(claimed="older")
    for number in (0, 1):
        world.refuse(number, V2)
    assert world.held() == set()


def test_last_good_version_is_found_with_a_node_that_refused_nothing() -> None:
    world = World(5)
    world.take_all()
    older = world.given(4, EGRESS)
    for number in range(4):
        world.accepted.pop((node(number).id, EGRESS))
    world.edit(SLOWER)
    skip_waves(world.publisher, "test")
    world.edit(SLOWER + b"aliases: [people]\n")
    skip_waves(world.publisher, "test")
    for number in (0, 1):
        world.refuse(number, EGRESS)
    assert world.held() == {EGRESS}
    assert world.given(0, EGRESS) == older

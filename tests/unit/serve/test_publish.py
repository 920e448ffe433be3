from collections.abc import Mapping
from dataclasses import replace

import pytest

from meshctl.fleet.fleet import REMEMBERED, Fleet, NodeState, NodeStatus, Refusal
from meshctl.fleet.node import Node
from meshctl.fleet.pace import RETURN
from meshctl.names import CLUSTER, Ref, Role
from meshctl.operations.guard import NotGuarded
from meshctl.serve.publish import Publisher
from meshctl.serve.seats import Seat
from meshctl.serve.standing import CatalogState
from meshctl.serve.variants import MOST
from meshctl.snapshot import Snapshot, ViewSnapshot
from meshctl.snapshot.disk import State
from meshctl.units import Duration
from meshctl.xds.limits import Overstepped
from meshctl.xds.views import NotLoadedError
from tests.support.catalogs import MESH, service
from tests.support.publishing import advance, change, confirm, tend

NOON = 1_800_000_000.0
CATALOG = {
    "mesh.yaml": MESH,
    "a/web.yaml": service("web", "users"),
    "a/pay.yaml": service("pay", "users", "web"),
    "a/users.yaml": service("users"),
}
WEB = Node("web@1", Role.SIDECAR, ("web",), client="1.40")
PAY = Node("pay@1", Role.SIDECAR, ("pay",), client="1.40")


class World:
    """A publisher with clocks that stand still, a disk that only remembers, and seats that count wakes."""

    def __init__(self, state: State | None = None, jump: float = 0.0) -> None:
        self.now = 0.0
        self.jump = jump  # how far the wall clock has been set forward
        self.texts: dict[str, bytes] = dict(state.texts) if state else {}
        self.snapshot: Snapshot | None = None
        self.woken: list[str] = []
        self.fleet = Fleet()
        self.publisher = Publisher(
            self.fleet,
            state,
            stale_limit=Duration.parse("1h"),
            save=self._save,
            now=lambda: self.now,
            clock=lambda: NOON + self.now + self.jump,
        )

    def gives_the_last_good_state(self) -> bool:
        try:
            self.sit(PAY).close()
        except NotLoadedError:
            return False
        return True

    def start(self, texts: Mapping[str, bytes]) -> "World":
        self.publisher.begin(self.publisher.catalog.read(texts))
        return self

    def sit(self, node: Node) -> Seat:
        return self.publisher.open(node, lambda: self.woken.append(node.id))

    def take(self, seat: Seat) -> None:
        """The node on this seat has taken what it was given, and all may be back after a restart."""
        self.now += RETURN
        status = NodeStatus(PAY, PAY.view, NodeState.SENDING, reached=view(seat).revision)
        self.publisher.waves.hear(status)
        advance(self.publisher)

    def state(self) -> State:
        """What a restart would find."""
        assert self.snapshot is not None
        return State(self.texts, self.snapshot, current_at=NOON + self.now)

    def _save(self, texts: Mapping[str, bytes | None], snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        for file, text in texts.items():
            if text is None:
                del self.texts[file]
            else:
                self.texts[file] = text


def clusters(seat: Seat) -> list[str]:
    return list(view(seat).names(CLUSTER))


def view(seat: Seat) -> ViewSnapshot:
    found = seat.view()
    assert found is not None
    return found


def test_nothing_is_answered_before_the_catalog_is_read() -> None:
    world = World()
    with pytest.raises(NotLoadedError):
        world.sit(WEB)
    assert world.publisher.standing.state is CatalogState.LOADING


def test_node_is_given_the_view_of_what_it_uses() -> None:
    world = World().start(CATALOG)
    assert clusters(world.sit(WEB)) == ["users/v1"]
    assert clusters(world.sit(PAY)) == ["users/v1", "web/v1"]
    assert world.publisher.standing.state is CatalogState.CURRENT


def test_only_those_are_woken_whose_view_changed() -> None:
    world = World().start(CATALOG)
    web, pay = world.sit(WEB), world.sit(PAY)
    kept = view(web)
    change(world.publisher, {"a/web.yaml": service("web", "users", endpoints="127.0.0.1:9009")})
    assert world.woken == ["pay@1"]
    assert web.view() is kept
    change(world.publisher, {"a/users.yaml": service("users", endpoints="127.0.0.1:9009")})
    assert sorted(world.woken[1:]) == ["pay@1", "web@1"]
    assert view(pay).revision == world.publisher.standing.revision


def test_comment_wakes_nobody_and_is_saved() -> None:
    world = World().start(CATALOG)
    world.sit(PAY)
    commented = b"# why\n" + CATALOG["a/users.yaml"]
    change(world.publisher, {"a/users.yaml": commented})
    assert world.woken == []
    assert world.texts["a/users.yaml"] == commented


def test_node_of_an_unknown_service_is_woken_when_it_appears() -> None:
    world = World().start(CATALOG)
    seat = world.sit(Node("chat@1", Role.SIDECAR, ("chat",), client="1.40"))
    assert seat.view() is None
    change(world.publisher, {"a/chat.yaml": service("chat", "web")})
    assert world.woken == ["chat@1"]
    assert clusters(seat) == ["web/v1"]


def test_unknown_service_is_told_with_the_nearest_name() -> None:
    world = World().start(CATALOG)
    words = world.publisher.unknown(Node("x", Role.SIDECAR, ("usres",)).view_key)
    assert words is not None
    assert "'usres'" in words
    assert "'users'" in words
    assert world.publisher.unknown(WEB.view_key) is None


def test_deleted_service_leaves_its_nodes_what_they_have() -> None:
    world = World().start(CATALOG)
    seat = world.sit(PAY)
    change(world.publisher, {"a/pay.yaml": None})
    assert view(seat).view.frozen
    assert clusters(seat) == ["users/v1", "web/v1"]


def test_orphans_view_is_still_there_after_a_restart() -> None:
    world = World().start(CATALOG)
    world.sit(PAY)
    change(world.publisher, {"a/pay.yaml": None})
    again = World(world.state()).start({file: CATALOG[file] for file in CATALOG if file != "a/pay.yaml"})
    seat = again.sit(PAY)
    assert view(seat).view.frozen
    assert clusters(seat) == ["users/v1", "web/v1"]


def test_broken_entry_is_held_and_told() -> None:
    world = World().start(CATALOG)
    pay = world.sit(PAY)
    kept = pay.view()
    change(world.publisher, {"a/users.yaml": b"service: users\nprot: 1\n", "a/new.yaml": b"gateway: new\n"})
    standing = world.publisher.standing
    assert standing.state is CatalogState.BROKEN
    assert sorted(standing.held) == ["a/new.yaml", "a/users.yaml"]
    assert standing.unserved == {"a/new.yaml"}
    assert "a/new.yaml and 1 more" in standing.reason
    assert pay.view() is kept
    change(world.publisher, {"a/users.yaml": CATALOG["a/users.yaml"], "a/new.yaml": None})
    assert world.publisher.standing.state is CatalogState.CURRENT
    assert world.publisher.standing.reason == ""


def test_restart_with_the_same_catalog_pushes_nothing_new() -> None:
    world = World().start(CATALOG)
    versions = {resource.key: resource.version for resource in view(world.sit(PAY)).resources()}
    again = World(world.state()).start(CATALOG)
    seat = again.sit(PAY)
    assert {resource.key: resource.version for resource in view(seat).resources()} == versions
    assert view(seat).view.tombstones == {}


def test_what_a_view_lost_while_the_server_was_down_is_remembered() -> None:
    world = World().start(CATALOG)
    world.sit(PAY)
    again = World(world.state()).start({**CATALOG, "a/pay.yaml": service("pay", "users")})
    assert "web/v1" in {ref.name for ref in view(again.sit(PAY)).view.tombstones}


def test_restart_without_a_catalog_gives_the_last_good_state_provisionally() -> None:
    world = World().start(CATALOG)
    world.sit(PAY)
    again = World(world.state()).start({})
    seat = again.sit(PAY)
    assert seat.provisional
    assert clusters(seat) == ["users/v1", "web/v1"]
    standing = again.publisher.standing
    assert standing.state is CatalogState.UNUSABLE
    assert not standing.live
    assert standing.reason.startswith("the catalog has no mesh.yaml; nodes that hold nothing get")
    assert again.snapshot is None, "an unusable catalog is not saved"


def test_catalog_that_comes_back_goes_live_and_wakes_those_who_wait() -> None:
    world = World().start(CATALOG)
    world.sit(PAY)
    again = World(world.state()).start({})
    seat = again.sit(PAY)
    change(again.publisher, {**CATALOG, "a/pay.yaml": service("pay", "users")})
    assert again.woken
    assert not seat.provisional
    assert clusters(seat) == ["users/v1"]
    again.woken.clear()
    change(again.publisher, {"a/users.yaml": service("users", endpoints="127.0.0.1:9009")})
    assert again.woken == ["pay@1"]


def test_state_that_is_too_old_is_given_to_nobody() -> None:
    world = World().start(CATALOG)
    world.sit(PAY)
    again = World(world.state()).start({})
    again.now = 3599.0
    again.sit(PAY).close()
    again.now = 3601.0
    with pytest.raises(NotLoadedError):
        again.sit(PAY)


@pytest.mark.parametrize("ahead", [-3599.0, 0.0, 3599.0])
def test_stamp_within_the_limit_on_either_side_is_believed(ahead: float) -> None:
    assert World(stamped(ahead)).start({}).gives_the_last_good_state()


@pytest.mark.parametrize("ahead", [-3601.0, 3601.0, NOON])
def test_stamp_beyond_the_limit_on_either_side_is_not(ahead: float) -> None:
    assert not World(stamped(ahead)).start({}).gives_the_last_good_state()


def stamped(ahead: float) -> State:
    """A state that a clock stamped which was so many seconds ahead of the one that a restart finds."""
    world = World().start(CATALOG)
    world.sit(PAY)
    return replace(world.state(), current_at=NOON + ahead)


def test_clock_that_is_set_back_makes_no_state_younger() -> None:
    world = World().start(CATALOG)
    world.sit(PAY)
    again = World(world.state()).start({})
    again.now, again.jump = 3599.0, -3600.0
    assert again.gives_the_last_good_state()
    again.now = 3601.0
    assert not again.gives_the_last_good_state()


def test_clock_that_is_set_right_after_the_start_lets_a_young_state_be_given() -> None:
    world = World().start(CATALOG)
    world.sit(PAY)
    again = World(world.state(), jump=-NOON).start({})  # a machine without a battery starts in 1970
    assert not again.gives_the_last_good_state()
    again.jump = 60.0
    assert again.gives_the_last_good_state()


def test_start_without_state_and_catalog_answers_nobody() -> None:
    world = World().start({})
    with pytest.raises(NotLoadedError, match="no last good state"):
        world.sit(WEB)


def test_catalog_that_goes_away_later_changes_nothing() -> None:
    world = World().start(CATALOG)
    pay = world.sit(PAY)
    kept = pay.view()
    change(world.publisher, dict.fromkeys(CATALOG))
    assert pay.view() is kept
    assert world.publisher.standing.live
    assert list(world.publisher.standing.held) == ["mesh.yaml"]


def test_view_is_kept_for_an_hour_after_its_last_node_left() -> None:
    world = World().start(CATALOG)
    world.sit(PAY).close()
    world.now = REMEMBERED - 1
    tend(world.publisher)
    assert PAY.view in _views(world)
    world.now = REMEMBERED
    tend(world.publisher)
    assert PAY.view not in _views(world)


def test_view_of_a_node_that_never_came_back_is_dropped_an_hour_after_the_restart() -> None:
    world = World().start(CATALOG)
    world.sit(PAY)
    again = World(world.state()).start(CATALOG)
    again.sit(WEB)
    again.now = REMEMBERED
    tend(again.publisher)
    assert set(_views(again)) == {WEB.view}


def test_tombstones_go_when_every_node_of_the_view_has_got_past_them() -> None:
    world = World().start(CATALOG)
    seat = world.sit(PAY)
    stream = world.fleet.connect(NodeStatus(PAY, PAY.view, NodeState.SENDING, revision=view(seat).revision))
    change(world.publisher, {"a/pay.yaml": service("pay", "users")})
    world.take(seat)
    tend(world.publisher)
    assert view(seat).view.tombstones
    status = NodeStatus(PAY, PAY.view, NodeState.SYNCED, revision=view(seat).revision)
    world.fleet.update(stream, status)
    tend(world.publisher)
    assert not view(seat).view.tombstones


def test_tombstones_go_after_an_hour_even_if_a_node_is_stuck() -> None:
    world = World().start(CATALOG)
    seat = world.sit(PAY)
    world.fleet.connect(NodeStatus(PAY, PAY.view, NodeState.STALLED, revision=0))
    change(world.publisher, {"a/pay.yaml": service("pay", "users")})
    world.take(seat)
    tend(world.publisher)
    world.now = REMEMBERED - 1
    tend(world.publisher)
    assert view(seat).view.tombstones
    world.now += REMEMBERED
    tend(world.publisher)
    assert not view(seat).view.tombstones


def test_tombstones_of_the_run_before_stay_for_an_hour() -> None:
    world = World().start(CATALOG)
    world.sit(PAY)
    again = World(world.state()).start({**CATALOG, "a/pay.yaml": service("pay", "users")})
    seat = again.sit(PAY)
    advance(again.publisher)
    again.take(seat)
    again.fleet.connect(NodeStatus(PAY, PAY.view, NodeState.SYNCED, revision=view(seat).revision))
    tend(again.publisher)
    assert view(seat).view.tombstones
    again.now += REMEMBERED
    tend(again.publisher)
    assert not view(seat).view.tombstones


def test_unknown_views_leave_nothing_behind() -> None:
    world = World().start(CATALOG)
    cells = len(world.publisher.catalog.resolver.graph)
    for number in range(3):
        world.sit(Node("x", Role.SIDECAR, (f"nobody{number}",), client="1.40")).close()
    assert len(world.publisher.catalog.resolver.graph) == cells


@pytest.mark.parametrize(
    ("services", "egress"),
    [
        (("web",), "abc"),
        (("web",), "localhost:15001"),
        (("web",), "127.0.0.1:70000"),
        (("web",), "127.0.0.1:99999999999"),
        (("pay+web",), ""),  # would have the name of another node's view
    ],
)
def test_node_that_no_view_can_be_made_for_is_refused_and_leaves_nothing_behind(
    services: tuple[str, ...], egress: str
) -> None:
    world = World().start(CATALOG)
    cells = len(world.publisher.catalog.resolver.graph)
    with pytest.raises(ValueError, match=r"is not|no names"):
        world.sit(Node("x", Role.SIDECAR, services, client="1.40", egress=egress))
    assert len(world.publisher.catalog.resolver.graph) == cells
    assert not _views(world)


GUARDED_CATALOG = {**CATALOG, "a/edge.yaml": b'gateway: edge\nlisteners: [{bind: "0.0.0.0:80"}]\n'}


def test_what_would_vanish_stays_and_is_told_until_it_is_confirmed(caplog: pytest.LogCaptureFixture) -> None:
    world = World().start(GUARDED_CATALOG)
    pay = world.sit(PAY)
    kept = pay.view()
    change(world.publisher, dict.fromkeys(("a/pay.yaml", "a/web.yaml", "a/edge.yaml")))
    standing = world.publisher.standing
    digest = standing.guarded.hash
    assert standing.state is CatalogState.GUARDED
    assert standing.guarded.names == ("gateway edge", "service pay", "service web")
    assert standing.reason.endswith(f"if that is meant: meshctl confirm {digest}")
    assert f"losses='gateway edge, service pay, service web' hash={digest}" in caplog.text
    assert pay.view() is kept
    with pytest.raises(NotGuarded):
        confirm(world.publisher, "0" * 12, "ann at ipv4:127.0.0.1:5")
    assert confirm(world.publisher, digest, "ann at ipv4:127.0.0.1:5").names == standing.guarded.names
    assert f"confirmed: by='ann at ipv4:127.0.0.1:5' hash={digest} losses='gateway edge," in caplog.text
    assert world.publisher.standing.state is CatalogState.CURRENT
    assert set(world.texts) == {"mesh.yaml", "a/users.yaml"}
    assert view(pay).view.frozen


def test_restart_on_half_of_the_catalog_is_guarded_by_the_state_on_disk() -> None:
    world = World().start(GUARDED_CATALOG)
    versions = {resource.key: resource.version for resource in view(world.sit(PAY)).resources()}
    half = {file: CATALOG[file] for file in ("mesh.yaml", "a/users.yaml")}
    again = World(world.state()).start(half)
    assert again.publisher.standing.guarded.names == ("gateway edge", "service pay", "service web")
    pay = again.sit(PAY)
    assert {resource.key: resource.version for resource in view(pay).resources()} == versions
    confirm(again.publisher, again.publisher.standing.guarded.hash, "ann")
    assert set(again.texts) == set(half)


def test_last_endpoints_wait_only_while_a_node_uses_them() -> None:
    empty = service("users").replace(b"['127.0.0.1:9001']", b"[]")
    world = World().start(CATALOG)
    change(world.publisher, {"a/users.yaml": empty})
    assert world.publisher.standing.state is CatalogState.CURRENT
    world = World().start(CATALOG)
    world.sit(WEB)
    change(world.publisher, {"a/users.yaml": empty})
    assert world.publisher.standing.guarded.names == ("endpoints of users",)
    again = World(world.state()).start({**CATALOG, "a/users.yaml": empty})
    assert again.publisher.standing.guarded.names == ("endpoints of users",), "its node may come back"


def test_nothing_is_confirmed_where_nothing_is_served() -> None:
    with pytest.raises(NotGuarded):
        confirm(World().publisher, "", "ann")


def _views(world: World) -> list[str]:
    assert world.snapshot is not None
    return list(world.snapshot.views)


def test_views_of_one_service_are_as_many_as_the_limit_and_idle_ones_make_room() -> None:
    world = World().start(CATALOG)
    nodes = [replace(WEB, id=f"{n}", egress=f"127.0.0.1:{n + 1}") for n in range(MOST + 2)]
    first, *others = [world.sit(node) for node in nodes[:MOST]]
    with pytest.raises(Overstepped, match="nodes of 'web' have 256 different views"):
        world.sit(nodes[-1])
    world.sit(nodes[0])  # a view that is there takes no room
    first.close()
    others[0].close()
    world.now = 1.0
    others[1].close()
    world.sit(nodes[-2])
    assert world.snapshot is not None
    views = set(world.snapshot.views)
    assert nodes[1].view not in views
    assert {nodes[0].view, nodes[2].view, nodes[-2].view} <= views
    assert world.sit(PAY).view() is not None


def test_what_changes_beside_a_refused_resource_is_given_to_who_refused_it() -> None:
    world = World().start(CATALOG)
    seat = world.sit(PAY)
    slow = service("users") + b"timeouts: {connect: 9s}\n"
    change(world.publisher, {"a/users.yaml": slow})
    cluster = view(seat).get(Ref(CLUSTER, "users/v1"))
    assert cluster is not None
    refusal = Refusal(cluster.ref, cluster.version, "no", 0.0)
    world.publisher.waves.hear(NodeStatus(PAY, PAY.view, NodeState.REFUSED, refusals=(refusal,)))
    advance(world.publisher)
    assert [wave.stopped for wave in world.publisher.waves.progress()] == ["pay@1 refused users/v1: no"]
    change(world.publisher, {"a/web.yaml": service("web", "users") + b"timeouts: {connect: 7s}\n"})
    before = view(seat).under(view(seat).view.contents.settled)
    assert view(seat).get(Ref(CLUSTER, "web/v1")) != before.get(Ref(CLUSTER, "web/v1"))


def test_wave_that_everybody_took_says_that_others_may_come_back_after_a_restart() -> None:
    first = World().start(CATALOG)
    first.sit(PAY)
    world = World(first.state()).start(CATALOG)
    seat = world.sit(PAY)
    change(world.publisher, {"a/users.yaml": service("users") + b"timeouts: {request: 7s}\n"})
    (wave,) = world.publisher.waves.progress()
    assert (str(wave), wave.returns_until) == (f"wave 1 of 3 of {PAY.view} waits for pay@1", None)
    world.publisher.waves.hear(NodeStatus(PAY, PAY.view, NodeState.SENDING, reached=view(seat).revision))
    advance(world.publisher)
    (wave,) = world.publisher.waves.progress()
    assert (wave.reached, wave.nodes, wave.returns_until, wave.goes_on_at) == (1, 1, RETURN, RETURN)
    assert str(wave) == f"wave 1 of 3 of {PAY.view} waits for nodes that may come back after the start"
    world.now = RETURN
    advance(world.publisher)
    assert world.publisher.waves.progress() == []

"""Whatever is edited, and whoever comes, leaves, answers or is silent: who is given what, and an end."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus, Refusal, TypeStatus
from meshctl.fleet.node import Node
from meshctl.names import CLUSTER, ENDPOINTS, ROUTES, Ref, Role
from meshctl.serve.publish import Publisher
from meshctl.serve.seats import Seat
from meshctl.serve.slices import finish
from meshctl.snapshot import Resource, Snapshot, ViewSnapshot
from meshctl.snapshot.disk import State
from meshctl.units import Duration
from meshctl.xds.holding import Holding
from tests.support.catalogs import service
from tests.support.publishing import advance

MESH = b"format: 1\nedition: 2026.11\nname: test\nwaves: {shares: [1, 50%, 100%], hold: 3s}\n"
POISON = 4
"""The timeout of connections with which all nodes refuse the clusters of `users`."""

IDS = ("web@a", "web@b", "web@c", "web@d")


@dataclass(frozen=True, slots=True)
class Users:
    """What the catalog says of `users`, in so many words; `edit` names what changes."""

    connect: int = 1
    request: int = 1
    endpoint: int = 1
    split: tuple[int, int] = (100, 0)
    second: bool = False

    def text(self) -> bytes:
        second = self.second or self.split[1] > 0
        v2 = "\n  v2: {endpoints: [127.0.0.9]}" if second else ""
        serving = "v1" if not self.split[1] else f"{{v1: {self.split[0]}%, v2: {self.split[1]}%}}"
        return (
            f"service: users\nport: 80\nversions:\n  v1: {{endpoints: [127.0.0.{self.endpoint}]}}{v2}\n"
            f"serving: {serving}\ntimeouts: {{connect: {self.connect}s, request: {self.request}s}}\n"
        ).encode()


class World:
    """A publisher, its nodes with what they took, and a clock."""

    def __init__(self) -> None:
        self.now, self.users, self.state = 0.0, Users(), State({}, Snapshot(), 0.0)
        self.seats: dict[str, Seat] = {}
        self.texts: dict[str, bytes] = {}
        self.proven: set[str] = set()  # versions of clusters that some node took, or had from the first
        self.poison: set[str] = set()  # versions of clusters that every node refuses
        self.accepted: dict[str, dict[Ref, Resource]] = {}
        self.opened: dict[str, float] = {}
        self.absent: set[Ref] = set()  # clusters that were held back once as new names
        self.publisher = self.started(None)
        self.join("web@a")
        self.proven |= versions(self.view("web@a"))
        self.take("web@a")

    def started(self, state: State | None) -> Publisher:
        publisher = Publisher(
            Fleet(),
            state,
            stale_limit=Duration.parse("1h"),
            save=self.save,
            now=lambda: self.now,
            clock=lambda: self.now,
            returns_s=5.0,
        )
        texts = {"mesh.yaml": MESH, "a/web.yaml": service("web", "users"), "a/users.yaml": self.users.text()}
        publisher.begin(publisher.catalog.read(texts))
        publisher.holds.holding = self.holding
        return publisher

    def holding(self, node: str, ref: Ref) -> Holding | None:
        known = self.accepted.get(node, {}).get(ref)
        return None if known is None else Holding(accepted=known)

    def save(self, texts: object, snapshot: Snapshot) -> None:
        assert isinstance(texts, dict)
        for view in snapshot.views.values():
            instead = view.contents.instead
            self.absent |= {ref for ref, one in instead.items() if ref.type == CLUSTER and one is None}
        self.texts.update(texts)
        self.state = State(dict(self.texts), snapshot, self.now)

    def edit(self, users: Users, *meanwhile: tuple[str, str]) -> None:
        """`meanwhile`: what nodes do after each step of the change."""
        asyncio.run(self.edited(users, meanwhile))

    async def edited(self, users: Users, meanwhile: Iterable[tuple[str, str]]) -> None:
        before, self.users = self.users, users
        async with self.publisher.turn:
            made = self.publisher.catalog.change({"a/users.yaml": users.text()})
            if users.connect == POISON and made.draft is not None:
                newest = [one for one in made.draft.resources.values() if one is not None]
                self.poison |= {
                    one.version for one in newest if one.key.type == CLUSTER and "users" in one.key.name
                }
            steps = self.publisher.settling(made)
            for action, node in meanwhile:
                next(steps, None)
                getattr(self, action)(node)
                self.check()
            finish(steps)
        if before != users and before == replace(users, endpoint=before.endpoint):
            self.check_endpoints()

    def join(self, node: str) -> None:
        if node not in self.seats:
            self.seats[node] = self.publisher.open(named(node), lambda: None)
            self.opened[node] = self.now

    def leave(self, node: str) -> None:
        if node in self.seats:
            self.seats.pop(node).close()

    def take(self, node: str) -> None:
        """The node has accepted all that it was given, but for what is poison."""
        if node in self.seats:
            view = self.view(node)
            bad = [one for one in view.resources(CLUSTER) if one.version in self.poison]
            self.proven |= versions(view) - self.poison
            known = self.accepted.setdefault(node, {})
            known.update({one.ref: one for one in view.resources() if one not in bad})
            state = NodeState.REFUSED if bad else NodeState.SYNCED
            refusals = tuple(Refusal(one.ref, one.version, "bad", self.now) for one in bad)
            self.hear(node, state, TypeStatus("cds", acked_at=self.now), view.revision, *refusals)

    def ask(self, node: str) -> None:
        """The node is sent what it is given, and does not answer yet."""
        if node in self.seats:
            self.hear(node, NodeState.SENDING, TypeStatus("cds", sent_at=self.now, unanswered=True), 0)

    def hear(self, node: str, state: NodeState, of: TypeStatus, reached: int, *refusals: Refusal) -> None:
        status = NodeStatus(named(node), self.view(node).name, state, types=(of,), reached=reached)
        returned = node in self.accepted
        opened = self.opened[node]
        self.publisher.hear(replace(status, refusals=refusals, connected_since=opened, returned=returned))

    def restart(self) -> None:
        """Killed, and started again on its state; the nodes come back by themselves, or not."""
        self.seats.clear()
        self.publisher = self.started(self.state)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        advance(self.publisher)

    def view(self, node: str) -> ViewSnapshot:
        view = self.seats[node].view()
        assert view is not None
        return view

    def check(self) -> None:
        for node in self.seats:
            view = self.view(node)
            if node not in view.view.contents.leaders:
                assert versions(view) <= self.proven, "what no node showed before went to one that waits"
            for routes in view.resources(ROUTES):
                for need in (one for one in routes.needs if one not in self.absent):
                    assert view.get(need) is not None, f"{node} has routes to {need.name} and not the cluster"
                    assert view.get(Ref(ENDPOINTS, need.name)) is not None
                for need in routes.needs:
                    assert view.get(need) is not None or view.holds_back(need), "it would be waited for"

    def check_endpoints(self) -> None:
        for node in self.seats:
            view = self.view(node)
            newest = view.under({})
            for cluster in view.resources(CLUSTER):
                ref = Ref(ENDPOINTS, cluster.key.name)
                assert newest.get(ref) is None or view.get(ref) == newest.get(ref), "endpoints wait"

    def settle(self) -> None:
        """All nodes are there and take what they are given, until nothing happens any more."""
        for node in IDS:
            self.join(node)
        for _ in range(40):
            for node in IDS:
                self.take(node)
            self.pass_time(5.0)


def named(node: str) -> Node:
    return Node(node, Role.SIDECAR, ("web",), client="1.40")


def versions(view: ViewSnapshot) -> set[str]:
    return {one.version for one in view.resources(CLUSTER)}


def contents(view: ViewSnapshot) -> dict[Ref, Resource]:
    return {one.ref: one for one in view.resources()}


EDITS = st.builds(
    Users,
    connect=st.integers(1, POISON),
    request=st.integers(1, 3),
    endpoint=st.integers(1, 3),
    split=st.sampled_from([(100, 0), (50, 50), (10, 90)]),
    second=st.booleans(),
)
NODE_OPS = st.tuples(st.sampled_from(["join", "leave", "take", "ask"]), st.sampled_from(IDS))
OPS = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), EDITS),
        st.builds(lambda edit, meanwhile: ("edit", edit, *meanwhile), EDITS, st.lists(NODE_OPS, max_size=6)),
        st.tuples(st.just("endpoint"), st.integers(1, 3)),
        NODE_OPS,
        st.tuples(st.just("pass_time"), st.sampled_from([0.0, 1.0, 3.0, 25.0])),
        st.tuples(st.just("restart")),
    ),
    max_size=40,
)


OVERTAKEN: list[tuple[object, ...]] = [
    ("edit", Users(connect=2, split=(50, 50))),
    ("pass_time", 25.0),
    ("edit", Users(connect=POISON, split=(50, 50))),
]
"""A run that silence stopped, and a bad change of the same names that takes its place."""

REPAIRED_TOO_LATE: list[tuple[object, ...]] = [
    ("edit", Users(connect=POISON, split=(50, 50))),
    ("edit", Users(split=(50, 50))),
    ("take", "web@a"),
]
"""A bad change with routes to a new version, refused when its repair waits already."""

TAKEN_BACK_TOO_LATE: list[tuple[object, ...]] = [
    ("edit", Users(connect=POISON, split=(50, 50))),
    ("edit", Users(connect=2, request=2)),
    ("take", "web@a"),
]
"""As before, where what waits has no second version."""

REFUSED_BETWEEN: list[tuple[object, ...]] = [
    ("edit", Users(connect=POISON, split=(50, 50))),
    ("edit", Users(request=2), ("join", "web@b"), ("take", "web@a")),
    ("edit", Users(connect=POISON, second=True)),
]
"""As before, where the refusal comes between the steps of what waits; and the bad one comes once more."""

REPAIRED: list[tuple[object, ...]] = [
    ("edit", Users(connect=POISON, request=2, split=(10, 90))),
    ("take", "web@a"),
    ("edit", Users(connect=1, request=2, split=(10, 90))),
]
"""A new version that was held back is repaired; those whose wave has yet to come have routes to it."""


SILENT: list[tuple[object, ...]] = [
    ("join", "web@b"),
    ("take", "web@b"),
    ("edit", Users(connect=2, second=True)),
    ("ask", "web@a"),
    ("ask", "web@b"),
    ("pass_time", 25.0),
    ("ask", "web@a"),
    ("ask", "web@b"),
    ("pass_time", 25.0),
]
"""A change that is held back, since neither of two nodes answers it."""


GONE: list[tuple[object, ...]] = [*REPAIRED[:2], ("edit", Users(connect=1, request=2))]
"""Or it goes, while the routes to it are on their way."""


REPAIRED_LATE: list[tuple[object, ...]] = [
    ("edit", Users(connect=POISON, split=(10, 90)), ("take", "web@a"), ("join", "web@a"), ("take", "web@a")),
    ("take", "web@a"),
    ("edit", Users(split=(50, 50))),
    ("join", "web@b"),
]
"""A new version, held back, whose routes reached all without it; repaired, it goes in waves."""


@given(OPS)
@example(OVERTAKEN)
@example(REPAIRED_LATE)
@example(REPAIRED_TOO_LATE)
@example(TAKEN_BACK_TOO_LATE)
@example(REFUSED_BETWEEN)
@example(REPAIRED)
@example(GONE)
@example(SILENT)
@settings(deadline=None, max_examples=100)
def test_no_node_gets_what_none_has_shown_before_its_wave_and_in_the_end_all_have_the_newest(
    ops: list[tuple[object, ...]],
) -> None:
    world = World()
    for name, *arguments in ops:
        if name == "endpoint":
            world.edit(replace(world.users, endpoint=arguments[0]))  # type: ignore[arg-type]
        else:
            getattr(world, str(name))(*arguments)
        advance(world.publisher)
        world.check()
    world.settle()
    assert world.publisher.waves.progress() == []
    for node in IDS:
        view = world.view(node)
        given, newest = contents(view), contents(view.under({}))
        bad = {ref for ref, one in newest.items() if one.version in world.poison}
        assert view.view.contents.held.keys() == bad
        assert not world.poison & versions(view)
        assert {ref: one for ref, one in given.items() if ref not in bad} == {
            ref: one for ref, one in newest.items() if ref not in bad
        }

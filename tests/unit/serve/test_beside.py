"""A change is made beside what streams do: who comes, leaves or looks meanwhile, and what they see of it."""

from collections.abc import Iterator

import pytest

from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus
from meshctl.fleet.node import Node
from meshctl.names import CLUSTER, ENDPOINTS, ROUTES, Ref, Role
from meshctl.serve import publish
from meshctl.serve.background import taken_in
from meshctl.serve.publish import Publisher
from meshctl.serve.seats import Seat
from meshctl.snapshot import ViewSnapshot
from meshctl.units import Duration
from tests.support.catalogs import MESH, service
from tests.support.publishing import advance, change, skip_waves

AT_ONCE = MESH + b"waves: {shares: [100%], hold: 0s}\n"
WAITING = 40
"""Services with a node each, of all of which each uses `users`: more than go in one turn of the loop."""

CATALOG = {"mesh.yaml": AT_ONCE, "a/users.yaml": service("users"), "a/spare.yaml": service("spare")} | {
    f"a/s{number}.yaml": service(f"s{number}", "users") for number in range(WAITING)
}
SPARE = Node("spare@1", Role.SIDECAR, ("spare",), client="1.40")


class World:
    """A publisher with a node of each service."""

    def __init__(self) -> None:
        self.woken: list[str] = []
        self.publisher = Publisher(Fleet(), None, stale_limit=Duration.parse("1h"))
        self.publisher.begin(self.publisher.catalog.read(CATALOG))
        self.seats = [self.sit(sidecar(f"s{number}")) for number in range(WAITING)]

    def sit(self, node: Node) -> Seat:
        return self.publisher.open(node, lambda: self.woken.append(node.id))

    def steps(self, texts: dict[str, bytes | None]) -> Iterator[None]:
        """A change as it is published, step by step."""
        yield from self.publisher.settling(self.publisher.catalog.change(texts))


def sidecar(name: str) -> Node:
    return Node(f"{name}@1", Role.SIDECAR, (name,), client="1.40")


def view(seat: Seat) -> ViewSnapshot:
    found = seat.view()
    assert found is not None
    return found


def endpoints(seat: Seat) -> str:
    found = view(seat).get(Ref(ENDPOINTS, "users/v1"))
    return found.version if found else ""


async def test_each_node_sees_all_of_a_change_or_nothing_of_it() -> None:
    world = World()
    text = service("users").replace(b"127.0.0.1", b"127.0.0.77") + b"timeouts: {connect: 7s, request: 7s}\n"
    refs = {Ref(CLUSTER, "users/v1"), Ref(ENDPOINTS, "users/v1")}

    def seen(seat: Seat) -> frozenset[str]:
        own = view(seat)
        routes = {Ref(ROUTES, name) for name in own.names(ROUTES)}
        found = (own.get(ref) for ref in refs | routes)
        return frozenset(one.version for one in found if one)

    before = [seen(seat) for seat in world.seats]
    states: set[tuple[bool, ...]] = set()
    async with world.publisher.turn:
        for _ in world.steps({"a/users.yaml": text}):
            now = [seen(seat) for seat in world.seats]
            states.add(tuple(one == old for one, old in zip(now, before, strict=True)))
            assert all(one == old or not one & old for one, old in zip(now, before, strict=True))
    assert any(True in state and False in state for state in states), "it is seen while it is given out"
    assert not any(seen(seat) & old for seat, old in zip(world.seats, before, strict=True))
    assert len(world.woken) == WAITING


async def test_node_that_comes_while_a_change_is_made_is_given_its_view_when_that_is_published() -> None:
    world = World()
    async with world.publisher.turn:
        steps = world.steps({"a/spare.yaml": service("spare", "users")})
        seat = world.sit(SPARE)
        assert seat.view() is None
        for _ in steps:
            assert seat.view() is None
    assert list(view(seat).names(CLUSTER)) == ["users/v1"]
    assert world.woken[-1] == SPARE.id


async def test_node_that_waits_for_its_view_is_not_told_as_unknown() -> None:
    world = World()
    async with world.publisher.turn:
        steps = world.steps({"a/spare.yaml": service("spare", "users")})
        world.sit(SPARE)
        for _ in steps:
            assert world.publisher.is_coming(SPARE.view_key)
            assert "its view is compiled" in (world.publisher.unknown(SPARE.view_key) or "")
    assert not world.publisher.is_coming(SPARE.view_key)
    assert world.publisher.unknown(SPARE.view_key) is None


async def test_node_that_comes_and_leaves_while_a_change_is_made_leaves_nothing_behind() -> None:
    world = World()
    cells = len(world.publisher.catalog.resolver.graph)
    async with world.publisher.turn:
        steps = world.steps({"a/users.yaml": service("users").replace(b"127.0.0.1", b"127.0.0.77")})
        world.sit(Node("x", Role.SIDECAR, ("nobody",), client="1.40")).close()
        world.sit(SPARE).close()
        for _ in steps:
            world.sit(SPARE).close()
    assert len(world.publisher.catalog.resolver.graph) == cells


def test_waves_of_many_views_that_end_together_are_published_in_portions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publish, "_TOGETHER", 8)
    world = World()
    change(world.publisher, {"a/users.yaml": service("users") + b"timeouts: {request: 7s}\n"})
    revision = world.publisher.standing.revision
    for number in range(WAITING):
        node = sidecar(f"s{number}")
        world.publisher.hear(NodeStatus(node, node.view, NodeState.SYNCED, reached=revision))
    assert len(world.publisher.waves.progress()) == WAITING
    advance(world.publisher)
    assert world.publisher.waves.progress() == []
    assert world.publisher.standing.revision == revision + WAITING / 8


def test_waves_of_many_views_are_skipped_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "_TOGETHER", 8)
    world = World()
    change(world.publisher, {"a/users.yaml": service("users") + b"timeouts: {request: 7s}\n"})
    revision, running = world.publisher.standing.revision, len(world.publisher.waves.progress())
    assert len(skip_waves(world.publisher, "test")) == running == WAITING
    assert world.publisher.waves.progress() == []
    assert world.publisher.standing.revision == revision + WAITING / 8


async def test_change_that_fails_leaves_the_turn_to_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    text = service("users").replace(b"127.0.0.1", b"127.0.0.77")
    with monkeypatch.context() as patch:
        patch.setattr(world.publisher.catalog, "change", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            await taken_in({"a/users.yaml": text}, world.publisher)
    before = endpoints(world.seats[0])
    await taken_in({"a/users.yaml": text}, world.publisher)
    assert endpoints(world.seats[0]) != before

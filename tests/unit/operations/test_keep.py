import pytest

from meshctl.catalog.source import read_source
from meshctl.envoy.decode import same_resource
from meshctl.names import CLUSTER, LISTENER, ROUTES, Ref, ResourceKey, Role, TypeUrl, ViewKey
from meshctl.operations.compile import WATCHED, Compiler
from meshctl.operations.keep import Same, ServedBytes
from meshctl.operations.resolve import Resolver
from meshctl.snapshot import Part, Resource, Snapshot
from meshctl.snapshot.encode import assemble
from tests.support import builds
from tests.support.catalogs import MESH, service

CALLERS = 20
GATEWAY = (
    b"gateway: edge\nlisteners: [{bind: '127.0.0.1:80'}]\nsites: [{hosts: [x.com], routes: [{to: hub}]}]\n"
)
CATALOG = {
    "mesh.yaml": MESH,
    "a/hub.yaml": service("hub"),
    "a/edge.yaml": GATEWAY,
    **{f"a/c{number}.yaml": service(f"c{number}", "hub") for number in range(CALLERS)},
}
VIEWS = (
    ViewKey(Role.GATEWAY, ("edge",), "1.40"),
    ViewKey(Role.SIDECAR, ("c1",), "grpc"),
    *(ViewKey(Role.SIDECAR, (f"c{number}",), "1.40") for number in range(CALLERS)),
)

# They hold no map, whatever the build.
_API_LISTENERS = {ResourceKey(LISTENER, "hub"), ResourceKey(LISTENER, "hub.mesh")}


class Judge:
    """Judges as meshctl does, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[TypeUrl] = []

    def __call__(self, type_url: TypeUrl, one: bytes, other: bytes) -> bool:
        self.asked.append(type_url)
        return same_resource(type_url, one, other)


def start(base: Snapshot | None = None, same: Same = same_resource, **changed: bytes) -> Compiler:
    """A server that has just started, on the catalog with some services changed."""
    compiler = Compiler(Resolver(WATCHED), base, same)
    texts = CATALOG | {f"a/{name}.yaml": text for name, text in changed.items()}
    compiler.resolver.change({file: read_source(file, text) for file, text in texts.items()})
    for view in VIEWS:
        compiler.open(view)
    compiler.publish()
    return compiler


def changed(before: Snapshot, after: Snapshot) -> set[ResourceKey]:
    """The resources that `after` has anew, or in another version."""
    found = {key: before.resources.get(key) for key in after.resources}
    return {key for key, was in found.items() if was is None or was != after.resources[key]}


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """What was served until now; from here on, maps are written the other way round."""
    builds.with_maps(monkeypatch)
    snapshot = start().snapshot
    builds.with_maps_reversed(monkeypatch)
    return snapshot


def test_a_build_that_writes_maps_the_other_way_round_keeps_all_that_is_served(before: Snapshot) -> None:
    assert start(before).snapshot is before


def test_where_equal_messages_do_not_count_the_same_build_changes_every_resource_with_a_map(
    before: Snapshot,
) -> None:
    after = start(before, lambda _type, one, other: one == other).snapshot
    assert changed(before, after) == set(before.resources) - _API_LISTENERS


def test_what_is_edited_in_the_meantime_changes_and_nothing_else(before: Snapshot) -> None:
    after = start(before, hub=service("hub", alias="hub.internal")).snapshot
    assert changed(before, after) == {
        ResourceKey(ROUTES, "api/hub"),
        ResourceKey(LISTENER, "hub.internal"),
        *(ResourceKey(ROUTES, f"egress/c{number}") for number in range(CALLERS)),
    }


def test_edits_after_the_upgrade_leave_the_other_hosts_of_a_caller_at_their_old_bytes(
    before: Snapshot,
) -> None:
    compiler = start(before, c1=service("c1", "hub", "c2"))
    key = ResourceKey(ROUTES, "egress/c1")
    hub = _part(before.resources[key], "hub")
    assert _part(compiler.snapshot.resources[key], "hub").body == hub.body
    compiler.resolver.change(
        {"a/c2.yaml": read_source("a/c2.yaml", service("c2", "hub", alias="two.internal"))}
    )
    after = compiler.publish().resources[key]
    assert _part(after, "hub").body == hub.body
    assert b"two.internal" in _part(after, "c2").body


def test_a_restart_on_what_is_served_compares_no_message() -> None:
    judge = Judge()
    snapshot = start().snapshot
    assert start(snapshot, judge).snapshot is snapshot
    assert judge.asked == []


def test_a_host_is_judged_once_and_not_once_a_caller(before: Snapshot) -> None:
    judge = Judge()
    start(before, judge, hub=service("hub", alias="hub.internal"))
    hosts = ("hub", "x.com")  # hub's is the same for all callers, and for gRPC
    assert judge.asked.count(ROUTES) == len(hosts)


def test_a_host_that_stays_is_judged_once_in_all_publications(before: Snapshot) -> None:
    judge = Judge()
    compiler = start(before, judge)
    judge.asked.clear()
    for number in range(CALLERS):
        name = f"c{number}"
        text = service(name, "hub", f"c{(number + 1) % CALLERS}")
        compiler.resolver.change({f"a/{name}.yaml": read_source(f"a/{name}.yaml", text)})
        compiler.publish()
    assert judge.asked.count(ROUTES) == 0


def test_what_a_resource_needs_is_as_built_though_its_bytes_stay() -> None:
    a, b = Ref(CLUSTER, "a"), Ref(CLUSTER, "b")
    served = _routes(b"x", Part("h", b"1", (a,)))
    for built in (_routes(b"x", Part("h", b"1", (b,))), _routes(b"y", Part("h", b"2", (b,)))):
        kept = ServedBytes(lambda _type, _one, _other: True).keep(served, built)
        assert (kept.version, kept.body) == (served.version, served.body)
        assert (kept.needs, kept.parts[0].needs) == ((b,), (b,))
        assert kept != served


@pytest.mark.parametrize(
    ("served", "built"),
    [((b"head", Part("h", b" host")), (b"head host",)), ((b"head host",), (b"head", Part("h", b" host.")))],
)
def test_a_message_that_is_put_together_in_another_way_keeps_its_bytes(
    served: tuple[bytes, *tuple[Part, ...]], built: tuple[bytes, *tuple[Part, ...]]
) -> None:
    was, now = _routes(*served), _routes(b"!" + built[0], *built[1:])
    assert ServedBytes(lambda _type, _one, _other: True).keep(was, now).body == was.body
    assert ServedBytes(lambda _type, _one, _other: False).keep(was, now) is now


def _routes(head: bytes, *parts: Part) -> Resource:
    return assemble(ResourceKey(ROUTES, "r"), head, parts)


def _part(resource: Resource, name: str) -> Part:
    return next(part for part in resource.parts if part.name == name)

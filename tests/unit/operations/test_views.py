"""Which resources nodes of different releases share, and which they do not."""

from meshctl.catalog.source import read_source
from meshctl.envoy.decode import decode
from meshctl.names import CLUSTER, LISTENER, ROUTES, Ref, Role, ViewKey
from meshctl.operations.compile import WATCHED, Compiler
from meshctl.operations.load import resolved
from meshctl.snapshot import Resource, Snapshot
from tests.support.catalogs import MESH, service

CATALOG = {"mesh.yaml": MESH, "a/web.yaml": service("web", "users"), "a/users.yaml": service("users")}
BEHIND = {
    "mesh.yaml": MESH,
    "a/web.yaml": service("web", "users", endpoints="10.0.0.1") + b"target_port: 9080\n",
    "a/users.yaml": service("users", endpoints="10.0.0.2") + b"target_port: 9080\n",
}
EDGE = b"gateway: edge\nlisteners: [{bind: 127.0.0.1:80}]\nsites: [{hosts: [a.b], routes: [{to: users}]}]\n"
USERS_CLUSTER = Ref(CLUSTER, "users/v1")
RELEASES = ("1.35", "1.36", "1.37", "1.40", "1.41")
ROUTES_OF_WEB = Ref(ROUTES, "egress/web")


def compiled() -> Snapshot:
    compiler = Compiler(resolved(CATALOG, WATCHED))
    for release in RELEASES:
        compiler.open(ViewKey(Role.SIDECAR, ("web",), release))
    return compiler.publish()


def of_view(snapshot: Snapshot, release: str) -> dict[Ref, Resource]:
    view = snapshot.view(f"sidecar/web@{release}")
    assert view is not None
    return {resource.ref: resource for resource in view.resources()}


def test_releases_share_every_resource_that_holds_nothing_younger_than_the_older_one() -> None:
    snapshot = compiled()
    old, new = of_view(snapshot, "1.36"), of_view(snapshot, "1.40")
    assert old.keys() == new.keys()
    assert [ref for ref in old if old[ref] is not new[ref]] == [ROUTES_OF_WEB]
    users = [resource.parts[0] for resource in (old[ROUTES_OF_WEB], new[ROUTES_OF_WEB])]
    assert users[0] is users[1]


def test_releases_on_one_side_of_the_younger_field_share_all() -> None:
    snapshot = compiled()
    for one, other in (("1.35", "1.36"), ("1.37", "1.40"), ("1.40", "1.41")):
        assert of_view(snapshot, one) == of_view(snapshot, other)
    assert len(snapshot.resources) == len(of_view(snapshot, "1.40")) + 1


def test_the_younger_field_goes_to_who_knows_it_and_to_nobody_else() -> None:
    snapshot = compiled()
    texts = [str(decode(ROUTES, of_view(snapshot, one)[ROUTES_OF_WEB].body)) for one in ("1.36", "1.37")]
    assert ["body_format" in text for text in texts] == [False, True]
    assert all("is not in `uses`" in text for text in texts)


def test_a_sidecar_whose_service_is_gone_goes_on_taking_its_requests() -> None:
    own = ViewKey(Role.SIDECAR, ("users",), "1.40")
    compiler = Compiler(resolved(BEHIND, WATCHED))
    compiler.open(own)
    before = compiler.publish().view(own.name)
    web = read_source("a/web.yaml", service("web"))
    compiler.resolver.change({"a/users.yaml": None, "a/web.yaml": web})
    after = compiler.publish().view(own.name)
    assert before is not None
    assert after is not None
    way_in = {Ref(LISTENER, "ingress/users"), Ref(ROUTES, "ingress/users"), Ref(CLUSTER, "inbound/users")}
    assert way_in <= {resource.ref for resource in before.resources()}
    assert list(after.resources()) == list(before.resources())


def test_a_sidecar_of_several_services_takes_the_requests_of_each_and_a_grpc_client_none() -> None:
    compiler = Compiler(resolved(BEHIND, WATCHED))
    both, client = (ViewKey(Role.SIDECAR, ("users", "web"), kind) for kind in ("1.40", "grpc"))
    compiler.open(both)
    compiler.open(client)
    views = compiler.publish().views
    listeners = {ref.name for ref in views[both.name].keys if ref.type == LISTENER}
    assert listeners == {"egress/users+web", "ingress/users", "ingress/web"}
    assert not any(ref.name.startswith(("ingress/", "inbound/")) for ref in views[client.name].keys)


def test_gateways_have_a_cluster_of_their_own_only_while_they_alone_ask_how_endpoints_are() -> None:
    sidecar, gateway = ViewKey(Role.SIDECAR, ("web",), "1.40"), ViewKey(Role.GATEWAY, ("edge",), "1.40")
    resolver = resolved({**CATALOG, "e/edge.yaml": EDGE}, WATCHED)
    compiler = Compiler(resolver)
    for key in (sidecar, gateway):
        compiler.open(key)
    first = compiler.publish()

    def said(health: bytes) -> tuple[Resource | None, Resource | None]:
        text = CATALOG["a/users.yaml"] + health
        resolver.change({"a/users.yaml": read_source("a/users.yaml", text)})
        views = [compiler.publish().view(key.name) for key in (sidecar, gateway)]
        one, other = (view.get(USERS_CLUSTER) if view else None for view in views)
        return one, other

    plain = said(b"")[0]
    by_gateways = said(b"health: {path: /}\n")
    assert by_gateways[0] is plain
    assert by_gateways[0] != by_gateways[1]
    assert len(compiler.snapshot.resources) == len(first.resources) + 1
    for shared in (b"health: {path: /, from: callers}\n", b"health: {path: /, from: nobody}\n"):
        one, other = said(shared)
        assert one is other
        assert len(compiler.snapshot.resources) == len(first.resources)
    assert said(b"") == (plain, plain)


def test_a_grpc_client_whose_service_is_gone_keeps_what_it_calls() -> None:
    client = ViewKey(Role.SIDECAR, ("web",), "grpc")
    compiler = Compiler(resolved(CATALOG, WATCHED))
    compiler.open(client)
    before = compiler.publish().views[client.name].keys
    compiler.resolver.change({"a/web.yaml": None})
    after = compiler.publish().views[client.name]
    assert (after.keys, after.frozen) == (before, True)

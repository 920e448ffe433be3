import pytest

from meshctl.catalog.source import read_source
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Ref, Role, TypeUrl, ViewKey
from meshctl.operations.compile import WATCHED, Compiler
from meshctl.operations.resolve import Resolver

CATALOG = {
    "mesh.yaml": b"format: 1\nedition: 2026.11\nname: test\n",
    "a/web.yaml": b"service: web\nport: 8081\nendpoints: [10.0.0.9]\nuses: [users]\nhealth: {path: /}\n",
    "a/users.yaml": (
        b"service: users\nport: 8080\n"
        b"versions:\n  v1: {endpoints: [10.0.0.1, 10.0.0.2]}\n  v2: {endpoints: []}\nserving: v1\n"
        b"routes:\n  - {match: {path: /a}, to: users/v2}\n"
    ),
    "a/calls.yaml": b"service: calls\nport: 8443\ntarget_port: 9443\nendpoints: [10.0.0.3]\n",
    "e/edge.yaml": (
        b'gateway: edge\nlisteners:\n  - {bind: "0.0.0.0:80"}\n'
        b"sites:\n  - hosts: [www.example.com]\n    routes:\n      - to: web\n"
    ),
}


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    resolver = Resolver(WATCHED)
    resolver.change({file: read_source(file, text) for file, text in CATALOG.items()})
    assert resolver.problems() == []
    compiler = Compiler(resolver)
    compiler.open(ViewKey(Role.SIDECAR, ("web",), "1.40"))
    compiler.open(ViewKey(Role.SIDECAR, ("web",), "grpc"))
    compiler.open(ViewKey(Role.SIDECAR, ("calls",), "1.40", "", "10.0.0.3"))
    compiler.open(ViewKey(Role.GATEWAY, ("edge",), "1.40"))
    compiler.publish()
    return compiler


@pytest.mark.parametrize(
    ("type_url", "name", "words", "expected"),
    [
        (CLUSTER, "users/v1", "bad", "a/users.yaml:4"),
        (CLUSTER, "web/v1", "bad", "a/web.yaml:3"),
        (CLUSTER, "web/v1", "caused by HttpHealthCheckValidationError.Path: bad", "a/web.yaml:5"),
        (ENDPOINTS, "users/v1", "malformed IP address: 10.0.0.2", "a/users.yaml:4"),
        (ROUTES, "egress/web", "bad", "a/web.yaml:4"),
        (ROUTES, "egress/web", "Duplicate entry of domain users", "a/users.yaml:1"),
        (ROUTES, "egress/web", "domain users: unknown cluster users/v2", "a/users.yaml:8"),
        (LISTENER, "egress/web", "bad", "a/web.yaml:1"),
        (LISTENER, "gateway/edge/0.0.0.0:80", "address in use", "e/edge.yaml:3"),
        (ROUTES, "gateway/edge/0.0.0.0:80", "bad", "e/edge.yaml:3"),
        (ROUTES, "gateway/edge/0.0.0.0:80", "domain www.example.com", "e/edge.yaml:7"),
        (ROUTES, "gateway/edge/0.0.0.0:80", "unknown cluster 'web/v1'", "e/edge.yaml:7"),
        (LISTENER, "ingress/calls", "Address already in use", "a/calls.yaml:2"),
        (ROUTES, "ingress/calls", "bad", "a/calls.yaml:3"),
        (CLUSTER, "inbound/calls", "bad", "a/calls.yaml:3"),
        (ROUTES, "api/users", "bad", "a/users.yaml:1"),
        (LISTENER, "users", "bad", "a/users.yaml:1"),
    ],
)
def test_refused_resource_leads_to_its_line(
    compiler: Compiler, type_url: TypeUrl, name: str, words: str, expected: str
) -> None:
    view = next(view for view in compiler.snapshot.views.values() if Ref(type_url, name) in view.keys)
    first, *_ = compiler.places(view.name, Ref(type_url, name), words)
    span = compiler.resolver.locate(first)
    assert f"{span.file}:{span.line}" == expected


def test_named_endpoint_is_meant_and_no_other(compiler: Compiler) -> None:
    (place,) = compiler.places(
        "sidecar/web@1.40", Ref(ENDPOINTS, "users/v1"), "malformed IP address: 10.0.0.2"
    )
    assert compiler.resolver.locate(place).column == 30


def test_resource_that_nothing_makes_has_no_place(compiler: Compiler) -> None:
    assert compiler.places("sidecar/web@1.40", Ref(CLUSTER, "nobody/v1"), "bad") == []

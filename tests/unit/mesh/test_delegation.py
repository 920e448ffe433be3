"""Which hosts lie beneath which, which addresses cannot both be listened on, and when claims are compared."""

from collections.abc import Sequence

import pytest

from meshctl.catalog.source import read_source
from meshctl.graph import Look
from meshctl.mesh import delegation
from meshctl.mesh.addresses import overlap
from meshctl.mesh.delegation import covers
from meshctl.mesh.exposures import Exposure
from meshctl.operations.load import resolved
from tests.support.catalogs import MESH


@pytest.mark.parametrize(
    ("outer", "host", "expected"),
    [
        ("a.example.com", "a.example.com", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "b.a.example.com", True),
        ("*.example.com", "*.a.example.com", True),
        ("*.example.com", "*.example.com", True),
        ("*.example.com", "example.com", False),
        ("a.example.com", "*.example.com", False),
        ("*.a.example.com", "*.example.com", False),
    ],
)
def test_a_wildcard_covers_what_is_beneath_it(outer: str, host: str, *, expected: bool) -> None:
    assert covers(outer, host) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("0.0.0.0:80", "127.0.0.1:80", True),
        ("[::]:80", "127.0.0.1:80", True),
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("127.0.0.1:80", "127.0.0.2:80", False),
        ("0.0.0.0:80", "127.0.0.1:81", False),
    ],
)
def test_two_listeners_clash_on_one_port_of_one_address(one: str, other: str, *, expected: bool) -> None:
    assert overlap(one, other) is expected


EDGE = b"""gateway: edge
listeners: [{bind: 127.0.0.1:80}]
sites: [{hosts: [api.example.com], open_to: {a: [/**]}}]
"""


def exposed(name: str, serving: str) -> bytes:
    """A service of two versions that exposes the path of its name."""
    versions = "{v1: {endpoints: [10.0.0.1]}, v2: {endpoints: [10.0.0.2]}}"
    claim = f"{{on: edge, host: api.example.com, match: {{path: /{name}/**}}}}"
    return (
        f"service: {name}\nport: 80\nversions: {versions}\nserving: {serving}\nexpose: [{claim}]\n".encode()
    )


def test_claims_are_compared_once_at_the_start_and_not_when_weights_shift(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[int] = []
    check = delegation._check_overlaps

    def counted(look: Look, claims: Sequence[Exposure]) -> None:
        compared.append(len(claims))
        check(look, claims)

    monkeypatch.setattr(delegation, "_check_overlaps", counted)
    texts = {"mesh.yaml": MESH, "a/edge.yaml": EDGE}
    resolver = resolved(texts | {f"a/{name}.yaml": exposed(name, "v1") for name in ("one", "two", "three")})
    assert resolver.problems() == []
    assert compared == [3]
    resolver.change({"a/two.yaml": read_source("a/two.yaml", exposed("two", "{v1: 50%, v2: 50%}"))})
    assert resolver.problems() == []
    assert compared == [3]

"""Whatever `meshctl validate` accepts, a real Envoy accepts; and what it would refuse is found and named.

For hours instead of seconds: `pytest tests/real/verify --hypothesis-profile long`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings

from meshctl.catalog.declared import declared
from meshctl.envoy import routes
from meshctl.fleet.node import OLDEST
from meshctl.names import CLUSTER, LISTENER, ROUTES, Ref
from meshctl.operations.compile import CLIENT
from meshctl.verify.acceptance import Refused, refused
from meshctl.verify.reader import Reader
from tests.support import faults
from tests.support.catalogs import MESH, service
from tests.support.compiled import compiled
from tests.support.entries import catalogs, files

LONG = "x" * 300
READER = Reader.found()
OLDEST_READER = Reader(str(Path(sys.prefix) / "envoy-oldest" / "bin" / "envoy"))
MINOR = ".".join(map(str, OLDEST))


@settings(
    max_examples=settings().max_examples // 2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(catalogs())
def test_whatever_validate_accepts_the_newest_and_the_oldest_envoy_accept(texts: dict[str, bytes]) -> None:
    for reader, client in ((READER, CLIENT), (OLDEST_READER, MINOR)):
        compiler = compiled(texts, client)
        entries = sum(source.entry is not None for source in compiler.resolver.sources.values())
        event(f"entries that are served: {entries} of {len(texts)}")
        assert refused(compiler.snapshot, reader.refusal) == []


SAID: set[str] = set()


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(files())  # a whole catalog is so large that few are drawn, and some keys in none of them
def draw_keys(drawn: tuple[dict[str, object], ...]) -> None:
    for file in drawn:
        SAID.update(key for pairs in _mappings(file) for key in pairs)


def _mappings(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _mappings(item)


def test_random_catalogs_say_every_key_of_the_language() -> None:
    draw_keys()
    assert {key.name for key in declared()} <= SAID


def test_of_many_services_the_one_route_that_envoy_refuses_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = service("bad") + (
        b"routes:\n"
        b"  - {match: {path: '/a/{x}/**'}, respond: {status: 200}}\n"
        b"  - {match: {path: '/%b/{x}'}, to: bad/v1}\n" % LONG.encode()
    )
    callers = {f"t/c{number}.yaml": service(f"c{number}", "bad", "good") for number in range(20)}
    texts = {"mesh.yaml": MESH, "t/bad.yaml": bad, "t/good.yaml": service("good"), **callers}
    assert refused(compiled(texts).snapshot, READER.refusal) == []
    faults.long_templates(monkeypatch)
    compiler = compiled(texts)
    (found,) = refused(compiler.snapshot, READER.refusal)
    assert found.ref == Ref(ROUTES, "egress/c0")
    assert (found.host, found.route) == ("bad", 2)  # the first line is two of Envoy's routes
    assert "PathTemplate: value must have between 1 and 256 characters" in found.words
    assert LONG not in found.words
    place = compiler.route_place("sidecar/c0@1.40", found.ref, "bad", 2)
    assert place is not None
    assert (place.file, place.path) == ("t/bad.yaml", ("routes", 1))


def test_refused_cluster_and_refused_endpoints_are_told_beside_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faults.bad_cluster(monkeypatch, "users/v1", "hunter2")
    faults.host_name_for_port(monkeypatch, 9009)
    others = {f"t/s{number}.yaml": service(f"s{number}") for number in range(5)}
    pay = service("pay", endpoints="127.0.0.1:9009")
    web = service("web", "users", "pay", *(f"s{number}" for number in range(5)))
    texts = {"mesh.yaml": MESH, "t/users.yaml": service("users"), "t/pay.yaml": pay, "t/web.yaml": web}
    found = refused(compiled({**texts, **others}).snapshot, READER.refusal)
    assert [one.ref for one in found] == [Ref(CLUSTER, "pay/v1"), Ref(CLUSTER, "users/v1")]
    assert "malformed IP address" in found[0].words
    assert "hunter2" not in str(found)


def test_what_is_refused_only_together_is_told_of_the_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    right = routes.service_host

    def alike(*facts: object) -> object:
        host = right(*facts)  # type: ignore[arg-type]
        host.domains.append("shared.example.com")
        return host

    monkeypatch.setattr(routes, "service_host", alike)
    web = service("web", "users", "pay")
    texts = {"mesh.yaml": MESH, "t/users.yaml": service("users"), "t/pay.yaml": service("pay")}
    (found,) = refused(compiled({**texts, "t/web.yaml": web}).snapshot, READER.refusal)
    assert found.ref == Ref(LISTENER, "egress/web")
    assert "Duplicate entry of domain shared.example.com" in found.words


def test_each_resource_is_read_once_where_nothing_is_refused() -> None:
    reads: list[int] = []
    told: list[int] = []

    def refusal(config: bytes) -> None:
        reads.append(len(config))

    texts = {f"t/s{number}.yaml": service(f"s{number}", f"s{(number + 1) % 600}") for number in range(600)}
    assert refused(compiled({"mesh.yaml": MESH, **texts}).snapshot, refusal, told.append) == list[Refused]()
    assert told == [500, 500, 200]
    assert len(reads) == 3

"""The table against what our compile emits; what its rows claim is measured in tests/real/test_impact.py."""

import pytest

from meshctl.catalog.folder import read_folder
from meshctl.envoy import impact
from meshctl.envoy.decode import message
from meshctl.envoy.impact import TABLE, WHOLE, Effect, Impact
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, ResourceKey, TypeUrl
from meshctl.operations.compile import WATCHED, Compiler, view_keys
from meshctl.operations.load import resolved
from meshctl.snapshot import Resource
from tests.support.compile_example import EXAMPLE

IDENTITY = {CLUSTER: "name", ENDPOINTS: "cluster_name", LISTENER: "name", ROUTES: "name"}
"""With another name it is another resource."""

TEXTS = {
    "mesh.yaml": "format: 1\nedition: 2026.11\nname: test\n",
    "a/web.yaml": "service: web\nport: 8081\nendpoints: [127.0.0.1:9]\nuses: [users]\n",
    "a/users.yaml": "service: users\nport: 8080\nendpoints: [127.0.0.1]\n",
}

KEYS = (
    ("a/users.yaml", "timeouts: {connect: 2s}\n", CLUSTER, Impact.POOL_REBUILD),
    ("a/users.yaml", "timeouts: {request: 2s}\n", ROUTES, Impact.IN_PLACE),
    ("a/users.yaml", "retries: {attempts: 3}\n", ROUTES, Impact.IN_PLACE),
    ("a/users.yaml", "aliases: [users.internal]\n", ROUTES, Impact.IN_PLACE),
    ("mesh.yaml", "egress: 127.0.0.1:15101\n", LISTENER, Impact.LISTENER_DRAIN),
)


@pytest.mark.parametrize("type_url", TABLE)
def test_every_field_that_the_example_mesh_uses_has_a_row(type_url: TypeUrl) -> None:
    rows = TABLE[type_url]
    texts = {file: bytes(text) for file, text in read_folder(EXAMPLE).items()}
    used = {
        field.name
        for resource in _compiled(texts).values()
        if resource.key.type == type_url
        for field, _ in message(type_url, resource.body).ListFields()
    }
    assert used
    # Routes have one row for all: no change of them closes anything.
    if rows.keys() != {WHOLE}:
        assert used - {IDENTITY[type_url]} <= rows.keys()


@pytest.mark.parametrize(("file", "line", "type_url", "expected"), KEYS, ids=lambda value: str(value)[:30])
def test_a_key_of_the_catalog_has_the_impact_of_the_field_that_it_becomes(
    file: str, line: str, type_url: TypeUrl, expected: Impact
) -> None:
    before = _compiled({name: text.encode() for name, text in TEXTS.items()})
    after = _compiled({name: (text + line * (name == file)).encode() for name, text in TEXTS.items()})
    changed = [key for key in before if before[key] != after[key]]
    assert {key.type for key in changed} == {type_url}
    effects = {impact.of_change(type_url, before[key].body, after[key].body).impact for key in changed}
    assert effects == {expected}


def test_the_gravest_field_decides_and_is_named() -> None:
    assert impact.worst(ENDPOINTS, ("endpoints.lb_endpoints", "endpoints.locality.zone")) == Effect(
        Impact.POOL_REBUILD, ("endpoints.locality.zone",)
    )


def test_what_nobody_has_measured_counts_as_the_worst() -> None:
    assert impact.row(CLUSTER, "a.field.of.tomorrow").impact is Impact.POOL_REBUILD
    assert impact.row(LISTENER, "?").impact is Impact.LISTENER_DRAIN
    assert impact.row(ENDPOINTS, "policy").impact is Impact.POOL_REBUILD


def test_equal_messages_are_in_place() -> None:
    assert impact.worst(LISTENER, ()) == Effect(Impact.IN_PLACE)


def test_what_comes_closes_nothing_and_what_goes_closes_its_own() -> None:
    assert impact.of_addition() == Effect(Impact.IN_PLACE)
    gone = [impact.of_removal(type_url).impact for type_url in (CLUSTER, ENDPOINTS, LISTENER, ROUTES)]
    assert gone == [Impact.POOL_REBUILD, Impact.IN_PLACE, Impact.LISTENER_DRAIN, Impact.IN_PLACE]


def _compiled(texts: dict[str, bytes]) -> dict[ResourceKey, Resource]:
    compiler = Compiler(resolved(texts, WATCHED))
    for key in view_keys(compiler.resolver):
        compiler.open(key)
    return dict(compiler.publish().resources.items())

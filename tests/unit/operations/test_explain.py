"""What people look up by its name is found, whole or in short; what is meant by a misspelt one is told."""

import pytest

from meshctl.catalog.declared import declared, places, written
from meshctl.catalog.source import MODELS, Kind, read_source
from meshctl.operations.codes import CODES
from meshctl.operations.explain import KeyPage, KindPage, NoSuchKey, Several, explain, names
from meshctl.problems import Code


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("service.timeouts.request", "service.timeouts.request"),
        ("timeouts.request", "service.timeouts.request"),
        ("defaults.service.timeouts.request", "defaults.service.timeouts.request"),
        ("defaults.protocol.grpc.timeouts.request", "defaults.protocol.NAME.timeouts.request"),
        ("gateway.sites[0].routes[].match.path", "gateway.sites[].routes[].match.path"),
        ("sites.routes.to", "gateway.sites[].routes[].to"),
        ("match.path", "service.routes[].match.path"),
        ("versions.v1.endpoints", "service.versions.NAME.endpoints"),
        ("versions.endpoints", "service.versions.NAME.endpoints"),
        ("endpoints", "service.endpoints"),
        ("versions.v1", "service.versions"),
        ("waves.hold", "mesh.waves.hold"),
        ("service.service", "service.service"),
    ],
)
def test_key_is_found_by_its_path_or_the_end_of_it(asked: str, path: str) -> None:
    page = explain(asked)
    assert isinstance(page, KeyPage)
    assert page.path == path


@pytest.mark.parametrize("name", names())
def test_all_that_is_offered_has_a_page(name: str) -> None:
    match explain(name):
        case KeyPage() as page:
            assert page.path == name
            assert page.means
        case KindPage() as page:
            assert page.kind == name
        case Code() as code:
            assert code.code == name


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("timeouts.reqest", "timeouts.request"),
        ("servce", "service"),
        ("gateway.sites.hosst", "gateway.sites.hosts"),
        ("", None),
        (".", None),
        ("timeouts.request.more", "timeouts.request"),
    ],
)
def test_what_was_probably_meant_is_told(asked: str, near: str | None) -> None:
    with pytest.raises(NoSuchKey, match=f"the nearest name is '{near}'" if near else "unknown key or code"):
        explain(asked)


def test_name_of_several_keys_says_which() -> None:
    with pytest.raises(Several, match=r"write gateway\.description or service\.description"):
        explain("description")


@pytest.mark.parametrize("key", declared(), ids=lambda key: written(key.path))
def test_example_in_its_place_is_of_the_right_shape(key: object) -> None:
    """What else an entry needs is told of the whole entry, never of the key."""
    for path, found in places().items():
        if found is key:
            page = explain(written(path))
            assert isinstance(page, KeyPage)
            file = f"{path[0]}.yaml" if path[0] in ("mesh", "defaults") else "team/entry.yaml"
            said = read_source(file, page.example.encode()).problems
            assert [one.code.code for one in said if one.code.code not in _OF_THE_WHOLE] == []


_OF_THE_WHOLE = {"MSH0110", "MSH0202", "MSH0212", "MSH0221", "MSH0214"}
"""The name of the file, and keys that are missing beside others."""


def test_codes_are_told_apart() -> None:
    assert all(code.code == name for name, code in CODES.items())
    assert set(MODELS) == set(Kind)

"""Names on the wire are built and taken apart in one place."""

import pytest

from meshctl.names import Role, ViewKey, cluster, inbound, is_name, is_version, parse_cluster

KEYS = [
    ViewKey(Role.SIDECAR, ("web",), "1.40"),
    ViewKey(Role.SIDECAR, ("sync", "web"), "grpc"),
    ViewKey(Role.SIDECAR, ("web",), "1.36", "127.0.0.1:15101"),
    ViewKey(Role.SIDECAR, ("web",), "1.36", "[::1]:15101"),
    ViewKey(Role.SIDECAR, ("web",), "1.40", "127.0.0.1:15101", "10.0.1.10"),
    ViewKey(Role.SIDECAR, ("web",), "1.40", "", "::1"),
    ViewKey(Role.GATEWAY, ("edge",), "1.40"),
]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_a_views_name_says_what_chose_it(key: ViewKey) -> None:
    assert ViewKey.parse(key.name) == key


@pytest.mark.parametrize("name", ["", "web", "sidecar/web", "sidecar/@1.40", "proxy/web@1.40"])
def test_other_texts_are_no_names_of_views(name: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        ViewKey.parse(name)


def test_a_clusters_name_leads_back_to_its_version() -> None:
    assert parse_cluster(cluster("voice", "1.10_b")) == ("voice", "1.10_b")
    assert parse_cluster(inbound("voice")) is None
    with pytest.raises(ValueError, match="is not a cluster of a version"):
        parse_cluster("xds")


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("voice", True, True),
        ("v", True, True),
        ("7", True, True),
        ("1.10_b", False, True),
        ("inbound", False, True),
        ("-voice", False, False),
        ("voice-", False, False),
        ("Voice", False, False),
        ("", False, False),
        ("x" * 63, True, True),
        ("x" * 64, False, False),
    ],
)
def test_names_are_labels_of_host_names_and_versions_a_little_more(
    text: str,
    name: bool,  # noqa: FBT001
    version: bool,  # noqa: FBT001
) -> None:
    assert (is_name(text), is_version(text)) == (name, version)

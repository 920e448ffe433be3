"""What a bootstrap says of a node and its control plane."""

import pytest

from meshctl.envoy.bootstrap import Identity, bootstrap, node_id, parse_address
from meshctl.names import Role


def test_a_sidecar_names_its_services_in_order_and_its_own_egress() -> None:
    identity = Identity(Role.SIDECAR, ("web", "sync"), node_id(("web", "sync"), "host-7"), "127.0.0.1:15101")
    assert bootstrap(identity, "127.0.0.1:18000")["node"] == {
        "id": "sync+web@host-7",
        "cluster": "sync+web",
        "metadata": {"role": "sidecar", "services": ["sync", "web"], "egress": "127.0.0.1:15101"},
    }


def test_a_sidecar_names_the_one_address_on_which_it_takes_requests() -> None:
    node = bootstrap(Identity(Role.SIDECAR, ("web",), "web@host-7", "", "::1"), "127.0.0.1:18000")["node"]
    assert node["metadata"] == {"role": "sidecar", "services": ["web"], "ingress": "::1"}  # type: ignore[index,call-overload]


def test_a_gateway_is_its_cluster() -> None:
    node = bootstrap(Identity(Role.GATEWAY, ("edge",), "edge@host-7"), "127.0.0.1:18000")["node"]
    assert node == {"id": "edge@host-7", "cluster": "edge", "metadata": {"role": "gateway"}}


@pytest.mark.parametrize(
    ("address", "expected", "kind"),
    [
        ("10.0.0.1:18000", ("10.0.0.1", 18000), "STATIC"),
        ("[2001:db8::1]:18000", ("2001:db8::1", 18000), "STATIC"),
        ("xds.internal:443", ("xds.internal", 443), "STRICT_DNS"),
    ],
)
def test_a_control_plane_is_found_by_address_or_by_name(
    address: str, expected: tuple[str, int], kind: str
) -> None:
    assert parse_address(address) == expected
    written = bootstrap(Identity(Role.GATEWAY, ("edge",), "edge"), address)["static_resources"]
    assert f"'type': '{kind}'" in str(written)


@pytest.mark.parametrize(
    "address", ["", "18000", ":18000", "host", "host:", "host:0", "host:65536", "host:a"]
)
def test_an_address_without_host_or_port_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        parse_address(address)

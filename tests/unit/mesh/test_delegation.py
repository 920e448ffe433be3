"""Which hosts lie beneath which, and which addresses cannot both be listened on."""

import pytest

from meshctl.mesh.check import overlap
from meshctl.mesh.delegation import covers


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

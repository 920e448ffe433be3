from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from meshctl.catalog.keys.bind import Bind
from meshctl.catalog.keys.endpoint import Endpoint

ADDRESSES = st.ip_addresses().filter(lambda ip: int(ip) != 0).map(str)
PORTS = st.integers(1, 65_535)


def complaint(read: Callable[[object], object], text: str) -> str | None:
    try:
        read(text)
    except PydanticCustomError as error:
        return error.type
    return None


@given(ADDRESSES, PORTS | st.none())
def test_an_endpoint_reads_back_as_it_is_printed(address: str, port: int | None) -> None:
    endpoint = Endpoint(Endpoint.read(address).address, port)
    assert Endpoint.read(str(endpoint)) == endpoint


@given(ADDRESSES, PORTS)
def test_a_bind_reads_back_as_it_is_printed(address: str, port: int) -> None:
    bind = Bind(Endpoint.read(address).address, port)
    assert Bind.read(str(bind)) == bind


@given(st.text(alphabet="01.:[]a%/-", max_size=20))
def test_any_text_is_an_address_or_refused_in_our_words(text: str) -> None:
    for read in (Endpoint.read, Bind.read):
        assert complaint(read, text) in (None, "refused")


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("10.0.0.1", "10.0.0.1", None),
        ("10.0.0.1:8081", "10.0.0.1", 8081),
        ("::1", "::1", None),
        ("[::1]:80", "::1", 80),
        ("[::1]", "::1", None),
        ("2001:DB8::0001", "2001:db8::1", None),
    ],
)
def test_an_endpoint_is_an_address_with_or_without_a_port(text: str, address: str, port: int | None) -> None:
    assert Endpoint.read(text) == Endpoint(address, port)


@pytest.mark.parametrize(
    ("endpoint", "line"),
    [
        (
            "localhost:9001",
            "MSH0207 an endpoint is an IP address, not the name 'localhost'; write 127.0.0.1:9001",
        ),
        ("localhost", "MSH0207 an endpoint is an IP address, not the name 'localhost'; write 127.0.0.1"),
        (
            "db.internal:80",
            "MSH0207 an endpoint is an IP address, not the name 'db.internal';"
            " write endpoints: {dns: db.internal:80}",
        ),
        (
            "http://10.0.0.1:80/x",
            "MSH0207 an endpoint is an IP address, not the URL 'http://10.0.0.1:80/x'; write 10.0.0.1:80",
        ),
        (
            "10.0.0.1:70000",
            "MSH0207 '10.0.0.1:70000' has no port of 1 to 65535 after its address; write 10.0.1.10:8080",
        ),
        ("10.0.0.256", "MSH0207 '10.0.0.256' is not an IP address; write one such as 10.0.1.10:8080"),
        ("10.0.0.0/8", "MSH0207 '10.0.0.0/8' is not an IP address; write one such as 10.0.1.10:8080"),
        ("'fe80::1%eth0'", "MSH0207 'fe80::1%eth0' is not an IP address; write one such as 10.0.1.10:8080"),
        (
            "0.0.0.0:80",
            "MSH0207 '0.0.0.0:80' is an address to listen on; nobody can call it;"
            " write the address of the machine, such as 127.0.0.1",
        ),
    ],
)
def test_what_is_no_endpoint_is_told_with_what_to_write(
    told: Callable[..., list[str]], endpoint: str, line: str
) -> None:
    assert told(f"service: voice\nport: 80\nendpoints: [{endpoint}]\n") == [f"3:13: {line}"]


@pytest.mark.parametrize(
    ("bind", "line"),
    [
        ("80", 'MSH0207 \'80\' has no address before its port; write "0.0.0.0:80", or "127.0.0.1:80"'),
        ("10.0.0.1", "MSH0207 '10.0.0.1' has no port; write \"10.0.0.1:80\", or another port"),
        ("::1", "MSH0207 '::1' has no port; write \"[::1]:80\", or another port"),
        (
            "localhost:80",
            "MSH0207 an address to listen on is an IP address, not the name 'localhost'; write 127.0.0.1:80",
        ),
    ],
)
def test_what_is_no_bind_is_told_with_what_to_write(
    told: Callable[..., list[str]], bind: str, line: str
) -> None:
    assert told(f"gateway: edge\nlisteners:\n  - bind: {bind}\n", "edge/edge.yaml") == [f"3:11: {line}"]

from collections.abc import Callable

import pytest

from meshctl.catalog.keys.endpoint import Endpoint
from meshctl.catalog.service import Service
from meshctl.catalog.source import read_source


def test_keys_say_of_an_address_what_the_address_alone_says() -> None:
    endpoints = "[10.0.0.1, {address: 10.0.0.2}, {address: '[::1]:81', weight: 3}]"
    text = f"service: voice\nport: 80\nendpoints: {endpoints}\n"
    entry = read_source("platform/voice.yaml", text.encode()).entry
    assert isinstance(entry, Service)
    assert entry.endpoints
    assert entry.endpoints.listed == (Endpoint("10.0.0.1"), Endpoint("10.0.0.2"), Endpoint("::1", 81, 3))


@pytest.mark.parametrize(
    ("endpoint", "line"),
    [
        ("{adress: 10.0.0.2}", "24: MSH0201 an endpoint has no key 'adress'; write 'address'"),
        ("{weight: 3}", "23: MSH0202 an endpoint needs the key 'address'; add address: 10.0.1.12"),
        ("{address: 10.0.0.2, weight: 0}", "51: MSH0204 0 is not a weight; write a number of 1 to 1000"),
        ("{address: 10.0.0.2, weight: 10%}", "51: MSH0204 '10%' is not a whole number;"
                                             " write a weight of 1 to 1000"),
        ("{address: db}", "33: MSH0207 an endpoint is an IP address, not the name 'db';"
                          " write endpoints: {dns: db}"),
        ("{address: 10.0.0.1, weight: 2}", "23: MSH0215 '10.0.0.1' is listed twice"
                                           " (see platform/voice.yaml:3:13); remove one of the two"),
    ],
)  # fmt: skip
def test_a_wrong_endpoint_is_told(told: Callable[..., list[str]], endpoint: str, line: str) -> None:
    text = f"service: voice\nport: 80\nendpoints: [10.0.0.1, {endpoint}]\n"
    assert told(text) == [f"3:{line}"]


def test_a_weight_is_no_weight_where_chance_decides(told: Callable[..., list[str]]) -> None:
    lines = "endpoints: [{address: 10.0.0.1, weight: 2}]\nload_balancing: {policy: random}\n"
    assert told(f"service: voice\nport: 80\n{lines}") == [
        "3:33: MSH0221 random gives all endpoints as much, whatever their weight;"
        " remove weight, or write policy: least_request"
    ]

from collections.abc import Callable

import pytest

from meshctl.catalog.keys.endpoints import DnsName, Endpoints
from meshctl.catalog.service import Service
from meshctl.catalog.source import read_source


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("voice.internal", DnsName("voice.internal", None)),
        ("Voice.Internal:81", DnsName("voice.internal", 81)),
        ("localhost", DnsName("localhost", None)),
    ],
)
def test_a_name_stands_for_all_endpoints(written: str, name: DnsName) -> None:
    text = f"service: voice\nport: 80\nendpoints: {{dns: {written!r}}}\n"
    entry = read_source("platform/voice.yaml", text.encode()).entry
    assert isinstance(entry, Service)
    assert entry.endpoints == Endpoints(dns=name)


@pytest.mark.parametrize(
    ("endpoints", "line"),
    [
        ("{dsn: a}", "13: MSH0201 endpoints has no key 'dsn'; write 'dns'"),
        ("{dns: a, weight: 1}", "21: MSH0201 endpoints has no key 'weight'; its keys are dns"),
        ("{dns: [a]}", "18: MSH0203 dns is a list, not a host name;"
                       " write dns: voice-v2.internal, for example"),
        ("{dns: 10.0.0.1}", "18: MSH0208 '10.0.0.1' is an IP address, which needs no DNS;"
                            ' write endpoints: ["10.0.0.1"]'),
        ("{dns: '[::1]:80'}", "18: MSH0208 '[::1]:80' is an IP address, which needs no DNS;"
                              ' write endpoints: ["[::1]:80"]'),
        ("{dns: 'http://a/b'}", "18: MSH0208 'http://a/b' is not a host name; write a"),
        ("{dns: '*.a'}", "18: MSH0208 '*.a' is not a host name; write the whole name, without '*'"),
        ("{dns: 'a:70000'}", "18: MSH0207 'a:70000' has no port of 1 to 65535 after its address;"
                             " write voice.internal:8080"),
        ("[{dns: a}]", "14: MSH0203 a name stands for all endpoints of a version; it is none of a list;"
                       " write endpoints: {dns: NAME}, without a list"),
        ("{v1: [10.0.0.1]}", "12: MSH0203 endpoints is a mapping, not a list;"
                             " write endpoints: [10.0.1.10, 10.0.1.11], for example"),
        ("{}", "12: MSH0203 endpoints is a mapping, not a list;"
               " write endpoints: [10.0.1.10, 10.0.1.11], for example"),
        ("10.0.0.1", "12: MSH0203 endpoints is the text '10.0.0.1', not a list; write [10.0.0.1]"),
    ],
)  # fmt: skip
def test_what_is_neither_a_list_nor_a_name_is_told(
    told: Callable[..., list[str]], endpoints: str, line: str
) -> None:
    assert told(f"service: voice\nport: 80\nendpoints: {endpoints}\n") == [f"3:{line}"]


def test_a_name_has_no_port_of_its_own_where_sidecars_answer_on_the_services(
    told: Callable[..., list[str]],
) -> None:
    text = "service: voice\nport: 80\ntarget_port: 90\nendpoints: {dns: 'voice.internal:81'}\n"
    assert told(text) == [
        "4:18: MSH0212 voice.internal:81 has a port of its own, and with target_port sidecars answer on 80"
        " (see platform/voice.yaml:3:14); write voice.internal, or remove target_port"
    ]

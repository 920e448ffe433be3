from collections.abc import Callable

import pytest

from meshctl.catalog.gateway import Gateway
from meshctl.catalog.keys.bind import Bind
from meshctl.catalog.source import read_source

HEAD = "gateway: edge\nlisteners: [{bind: '0.0.0.0:80'}]\n"


def test_everything_that_a_gateway_may_say_is_read() -> None:
    sites = (
        "description: Public edge\nsites:\n  - hosts: [WWW.example.com, '*.example.com']\n"
        "    open_to: {voice: [/calls/**], x-ray: [/**]}\n    routes: [{to: {web: 90%, web/v2: 10%}}]\n"
    )
    gateway = read_source("edge/edge.yaml", (HEAD + sites).encode()).entry
    assert isinstance(gateway, Gateway)
    assert gateway.listeners[0].bind == Bind("0.0.0.0", 80)
    assert str(gateway.listeners[0].bind) == "0.0.0.0:80"
    (site,) = gateway.sites
    assert site.hosts == ("www.example.com", "*.example.com")
    assert {name: [str(path) for path in paths] for name, paths in site.open_to.items()} == {
        "voice": ["/calls/**"],
        "x-ray": ["/**"],
    }
    assert site.routes[0].to is not None
    assert [str(to) for to in site.routes[0].to.destinations] == ["web", "web/v2"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("gateway: edge\nlisteners: []\n", [
            '2:12: MSH0221 the gateway listens nowhere; write [{bind: "0.0.0.0:80"}]']),
        ("gateway: edge\nlisteners: [{port: 80}]\n", [
            "2:13: MSH0202 listener needs the key 'bind'; add bind: \"0.0.0.0:80\"",
            "2:14: MSH0201 listener has no key 'port'; its keys are bind, tcp, sni"]),
        (HEAD + "sites: [{hosts: [], routes: [{to: web}]}]\n", [
            "3:17: MSH0221 the site has no host; write the hosts, or remove it"]),
        (HEAD + "sites: [{hosts: [a.b]}]\n", [
            "3:9: MSH0221 the site has no routes and is open to nobody; add routes"]),
        (HEAD + "sites: [{hosts: [a.b], open_to: {a: []}}]\n", [
            '3:37: MSH0221 no path is open to a; write ["/**"] for every path']),
        (HEAD + "sites: [{hosts: [a.b], open_to: {a: [/x, /x]}}]\n", [
            "3:42: MSH0215 '/x' is listed twice (see edge/edge.yaml:3:38); remove one of the two"]),
        (HEAD + "sites: [{hosts: [a.b], open_to: {A: [/x]}}]\n", [
            "3:34: MSH0205 'A' is not a name: a name has a-z, 0-9 and '-' within, at most 63 of them;"
            " write a"]),
        (HEAD + "sites: [{hosts: [a.b], routes: [{to: web}, {to: x}]}]\n", [
            "3:44: MSH0217 no request reaches this route: route 1 takes them (see edge/edge.yaml:3:33);"
            " put the one that takes more requests last, or remove one of the two"]),
    ],
)  # fmt: skip
def test_a_gateway_listens_and_its_sites_serve(
    told: Callable[..., list[str]], text: str, lines: list[str]
) -> None:
    assert told(text, "edge/edge.yaml") == lines

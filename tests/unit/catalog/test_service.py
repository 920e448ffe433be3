from collections.abc import Callable

import pytest

from meshctl.catalog.keys.endpoint import Endpoint
from meshctl.catalog.keys.endpoints import Endpoints
from meshctl.catalog.keys.protocol import Protocol
from meshctl.catalog.service import Service
from meshctl.catalog.source import read_source

WHOLE = """\
service: voice
description: Programmable Voice API
protocol: http
port: 8080
aliases: [Voice.internal]
uses: [accounts, sync]
versions:
  v1: {endpoints: [10.0.1.10, "10.0.1.11:8081"]}
  1.10: {endpoints: []}
serving: {v1: 90%, 1.10: 10%}
timeouts: {connect: 1s, request: 15s}
retries: {attempts: 2, on: never_sent}
routes:
  - match: {path: "/Accounts/{account_sid}/**", methods: [GET, POST], headers: {X-Beta: 1}}
    to: voice/1.10
  - match: {path: /ping}
    respond: {status: 200, body: pong}
expose:
  - {on: edge, host: api.example.com, match: {path: "/Calls/**"}}
"""


def whole(text: str = WHOLE) -> Service:
    entry = read_source("platform/voice.yaml", text.encode()).entry
    assert isinstance(entry, Service)
    return entry


def test_everything_that_a_service_may_say_is_read() -> None:
    service = whole()
    assert (service.service, service.port, service.protocol) == ("voice", 8080, Protocol.HTTP)
    assert service.aliases == ("voice.internal",)
    assert service.versions is not None
    assert service.versions["v1"].endpoints.listed == (Endpoint("10.0.1.10"), Endpoint("10.0.1.11", 8081))
    assert service.version_names == ("v1", "1.10")
    assert service.routes[0].match is not None
    assert service.routes[0].match.headers == {"x-beta": "1"}
    assert service.expose[0].host == "api.example.com"


def test_comments_quotes_and_positions_make_no_service_unequal() -> None:
    other = whole(
        "# more\n\n" + WHOLE.replace("port: 8080", "port:   8080  # here").replace("pong", "'pong'")
    )
    assert other == whole()
    assert hash(other) == hash(whole())


def test_a_service_can_be_made_of_values() -> None:
    service = Service(service="a", port=1, endpoints=Endpoints((Endpoint("10.0.0.1"),)))
    assert service == read_source("t/a.yaml", b"service: a\nport: 1\nendpoints: [10.0.0.1]\n").entry


VERSIONS = "service: voice\nport: 1\nversions: {v1: {endpoints: [10.0.0.1]}, v2: {endpoints: []}}\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("service: voice\nport: 1\n", [
            "1:1: MSH0202 the service has no endpoints; add endpoints: [10.0.1.10], or versions"]),
        ("service: voice\nport: 1\nversions: {}\n", [
            "3:11: MSH0221 there is no version here; write v1: {endpoints: [10.0.1.10]}"]),
        (VERSIONS, ["3:1: MSH0202 the service has 2 versions, and does not say which one is serving;"
                    " add serving: v1"]),
        (VERSIONS + "serving: v3\n", ["4:10: MSH0214 the service has no version 'v3'; write v1 or v2"]),
        (VERSIONS + "serving: {v1: 90%, v3: 10%}\n", [
            "4:20: MSH0214 the service has no version 'v3'; write v1 or v2"]),
        (VERSIONS + "serving: v1\nendpoints: []\n", [
            "5:1: MSH0212 the service has both endpoints and versions (see platform/voice.yaml:3:11);"
            " write the endpoints into one of the versions"]),
        (VERSIONS + "serving: v1\nroutes: [{to: {voice/v1: 50%, voice/v3: 50%}}]\n", [
            "5:31: MSH0214 the service has no version 'v3'; write voice/v1 or voice/v2"]),
        ("service: voice\nport: 1\nversions: {v1: {endpoints: [10.0.0.1, 10.0.0.1]}}\n", [
            "3:39: MSH0215 '10.0.0.1' is listed twice (see platform/voice.yaml:3:29);"
            " remove one of the two"]),
        ("service: voice\nport: 1\nversions: {V 1: {endpoints: []}}\n", [
            "3:12: MSH0205 'V 1' is not a version's name: a version has a-z, 0-9 and '-', '.', '_' within,"
            " at most 63 of them; write v-1"]),
        ("service: voice\nport: 1\nendpoints: [10.0.0.1, 10.0.0.1]\n", [
            "3:23: MSH0215 '10.0.0.1' is listed twice (see platform/voice.yaml:3:13);"
            " remove one of the two"]),
        ("service: voice\nport: 1\nprotocol: gprc\nendpoints: []\n", [
            "3:11: MSH0211 'gprc' is not known here; write grpc"]),
    ],
)  # fmt: skip
def test_versions_and_endpoints_fit_together(
    told: Callable[..., list[str]], text: str, lines: list[str]
) -> None:
    assert told(text) == lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("uses: [sync, voice]", "4:14: MSH0216 voice is the service itself, which needs no mesh"
                                " to reach itself; remove it"),
        ("uses: [a, a]", "4:11: MSH0215 'a' is listed twice (see platform/voice.yaml:4:8);"
                         " remove one of the two"),
        ("aliases: [a.b, A.B]", "4:16: MSH0215 'a.b' is listed twice (see platform/voice.yaml:4:11);"
                                " remove one of the two"),
        ("aliases: [Voice]", "4:11: MSH0215 voice is the service's own name already"
                             " (see platform/voice.yaml:1:10); remove it"),
        ("routes: [{to: voice}]", "4:15: MSH0216 voice is the service itself; its routes lead to its"
                                  " versions; write voice/v1, or leave the route out: the rest goes to the"
                                  " serving version"),
        ("routes: [{to: sync}]", "4:15: MSH0220 sync is not a version of this service, and its routes lead to"
                                 " its own; write voice/v1"),
        ("routes: [{to: voice/v2}]", "4:15: MSH0214 the service has no version 'v2'; write voice/v1"),
        ("expose: [{host: a.b}]", "4:10: MSH0202 expose needs the key 'on'; add on: edge"),
    ],
)  # fmt: skip
def test_names_and_destinations_fit_together(voice: Callable[[str], list[str]], text: str, line: str) -> None:
    assert voice(text) == [line]

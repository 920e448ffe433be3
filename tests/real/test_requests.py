"""Requests through a real sidecar and a real gateway: every kind of match, every way to name a service."""

import asyncio
import http.client
from collections.abc import AsyncIterator
from contextlib import closing
from typing import NamedTuple

import pytest
import pytest_asyncio

from meshctl.verify.scene import USERS_FILE, Ports, Scene
from meshctl.verify.stage import Stage, staged
from meshctl.xds.ordering import NeedsOrder
from tests.support import fleet
from tests.support.planes import in_process
from tests.support.shifts import until_held
from tests.support.shows import shows
from tests.support.waiting import LIMIT_S, eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

RULES = """\
aliases: [users.internal]
routes:
  - match: {path: /ping}
    respond: {status: 200, body: pong}
  - match: {path: /made, methods: [POST, PUT]}
    respond: {status: 201, body: made}
  - match: {path: "/accounts/{id}", methods: [GET]}
    respond: {status: 200, body: one account}
  - match: {path: "/accounts/{id}/calls/**"}
    respond: {status: 200, body: its calls}
  - match: {path: /beta/**, headers: {x-beta: "1"}}
    to: users/v2
  - match: {headers: {x-closed: "yes"}}
    respond: {status: 403}
"""

EDGE = """\
gateway: edge
listeners:
  - {{bind: 127.0.0.1:{port}}}
sites:
  - hosts: [api.example.com]
    open_to: {{users: [/accounts/**]}}
    routes:
      - match: {{path: /healthz, methods: [GET]}}
        respond: {{status: 200, body: ok}}
"""


class Answer(NamedTuple):
    status: int
    body: str


class Ask(NamedTuple):
    """A request: `target` is what stands in its first line."""

    target: str
    method: str = "GET"
    host: str = "users"
    headers: tuple[tuple[str, str], ...] = ()


V1, V2 = Answer(200, "v1"), Answer(200, "v2")
BETA, CLOSED = (("x-beta", "1"),), (("x-closed", "yes"),)
UNKNOWN = "is not in `uses` of the service that this sidecar serves"

INSIDE = (
    (Ask("/"), V1),
    (Ask("/any/thing?q=1"), V1),
    (Ask("/ping"), Answer(200, "pong")),
    (Ask("/ping?q=1"), Answer(200, "pong")),
    (Ask("/ping", "POST"), Answer(200, "pong")),
    (Ask("/ping/"), V1),
    (Ask("/made", "POST"), Answer(201, "made")),
    (Ask("/made", "PUT"), Answer(201, "made")),
    (Ask("/made"), V1),
    (Ask("/accounts/7"), Answer(200, "one account")),
    (Ask("/accounts/7", "DELETE"), V1),
    (Ask("/accounts/"), V1),
    (Ask("/accounts/7/calls"), Answer(200, "its calls")),
    (Ask("/accounts/7/calls/today/first"), Answer(200, "its calls")),
    (Ask("/accounts/7/callers"), V1),
    (Ask("/beta", headers=BETA), V2),
    (Ask("/beta/a/b", headers=BETA), V2),
    (Ask("/betamax", headers=BETA), V1),
    (Ask("/beta"), V1),
    (Ask("/beta", headers=(("x-beta", "11"),)), V1),
    (Ask("/else", headers=CLOSED), Answer(403, "")),
    (Ask("/", host="users.mesh"), V1),
    (Ask("/", host="users.internal"), V1),
    (Ask("/", host="users:8080"), V1),
    (Ask("/", host="users.internal:1"), V1),
    (Ask("http://users/ping"), Answer(200, "pong")),
    (Ask("http://users:8080/", host="users:8080"), V1),
    (Ask("/", host="accounts"), Answer(404, f"accounts {UNKNOWN}")),
    (Ask("http://accounts:80/", host="accounts:80"), Answer(404, f"accounts:80 {UNKNOWN}")),
)

OUTSIDE = (
    (Ask("/healthz", host="api.example.com"), Answer(200, "ok")),
    (Ask("/healthz", "POST", host="api.example.com"), Answer(404, "")),
    (Ask("/accounts/7", host="api.example.com"), Answer(200, "one account")),
    (Ask("/accounts/7/calls/1", host="api.example.com:443"), Answer(200, "its calls")),
    (Ask("/accounts", host="api.example.com"), V1),
    (Ask("/ping", host="api.example.com"), Answer(404, "")),
    (Ask("/accounts/7", host="users"), Answer(404, "")),
)


def answer(port: int, ask: Ask) -> Answer:
    """What a client of its own gets for one request."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)) as connection:
        connection.putrequest(ask.method, ask.target, skip_host=True, skip_accept_encoding=True)
        for name, value in (("host", ask.host), *ask.headers, ("content-length", "0")):
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, response.read().decode().strip())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    scene = Scene(tmp_path_factory.mktemp("requests"), Ports.free())
    async with staged(scene, in_process(NeedsOrder())) as running:
        scene.write("edge/edge.yaml", EDGE.format(port=scene.ports.edge))
        text = scene.users({"v1": 100, "v2": 0}).replace("path: /**", "path: /accounts/**")
        scene.write(USERS_FILE, text + RULES)
        await until_held(running, "users/v2")

        async def synced() -> bool:  # what brought the cluster brought all of the routes
            return await fleet.states(scene) == dict.fromkeys(running.envoys, "synced")

        await eventually(synced, "both Envoys have their routes")
        yield running


async def answered(port: int, ask: Ask) -> Answer:
    return await asyncio.to_thread(answer, port, ask)


@shows(
    "service.uses",
    "service.aliases",
    "service.versions.NAME.endpoints",
    "service.serving",
    "service.routes[].match.path",
    "service.routes[].match.methods",
    "service.routes[].match.headers",
    "service.routes[].to",
    "service.routes[].respond.status",
    "service.routes[].respond.body",
)
@pytest.mark.parametrize(("ask", "expected"), INSIDE, ids=str)
async def test_the_sidecar_answers_as_the_catalog_says(stage: Stage, ask: Ask, expected: Answer) -> None:
    assert await answered(stage.scene.ports.egress, ask) == expected


@shows(
    "gateway.gateway",
    "gateway.listeners[].bind",
    "gateway.sites[].hosts",
    "gateway.sites[].open_to",
    "gateway.sites[].routes",
    "service.expose[].on",
    "service.expose[].host",
    "service.expose[].match",
)
@pytest.mark.parametrize(("ask", "expected"), OUTSIDE, ids=str)
async def test_the_gateway_answers_as_the_catalog_says(stage: Stage, ask: Ask, expected: Answer) -> None:
    assert await answered(stage.scene.ports.edge, ask) == expected

"""`health`: which endpoints real Envoys ask how they are, and which get requests then."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import grpc
import pytest

from meshctl.envoy import cluster, pb
from meshctl.verify.connection import get
from meshctl.verify.ports import free_ports
from meshctl.verify.scene import USERS_FILE
from tests.support.endpoint import endpoint
from tests.support.grpc_backend import WAIT, call
from tests.support.mesh import Mesh
from tests.support.shows import shows
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

OFTEN = "interval: 50ms"
ALONE = "load_balancing: {policy: round_robin}\noutliers: {max_ejected: 0%}\nretries: {attempts: 0}"
"""Nothing but health decides who gets requests."""


def keys(health: str) -> str:
    return f"health: {{{health}}}\n{ALONE}"


async def answered(mesh: Mesh, number: int, *, by_sidecar: bool = False) -> Counter[str]:
    """Who answers requests that follow one another; the status where that is not 200."""
    port, host = (mesh.ports.egress, "users") if by_sidecar else (mesh.ports.edge, "api.example.com")
    found = [await get(port, "/", {"host": host}) for _ in range(number)]
    return Counter(one.body.decode() if one.status == 200 else str(one.status) for one in found)


async def only(mesh: Mesh, *names: str, by_sidecar: bool = False) -> None:
    """Wait until these answer, and nobody else."""

    async def reached() -> bool:
        return (await answered(mesh, 10, by_sidecar=by_sidecar)).keys() == {*names}

    await eventually(reached, f"{' and '.join(names)} answer")


@shows("service.health.path", "service.health.interval")
async def test_an_endpoint_that_fails_its_check_gets_nothing_from_gateways_until_it_passes(
    mesh: Mesh,
) -> None:
    async with endpoint("a") as one, endpoint("b", health=503) as other:
        await mesh.users(ALONE, one.port, other.port)
        await only(mesh, "a", "b")
        await mesh.users(keys(f"path: '/healthz?deep=1', {OFTEN}"), one.port, other.port)
        await only(mesh, "a")
        asked = other.checks["users/healthz?deep=1"]

        async def often() -> bool:  # every 5 s would take longer than is waited
            return other.checks["users/healthz?deep=1"] > asked + 20

        await eventually(often, "it is asked again and again")
        assert (await answered(mesh, 10)) == {"a": 10}
        other.health = 200
        await only(mesh, "a", "b")


@shows("service.health.from")
async def test_sidecars_ask_only_where_callers_do(mesh: Mesh) -> None:
    async def said(asked_from: str) -> None:
        ports = f"[127.0.0.1:{one.port}, 127.0.0.1:{other.port}]"
        own = keys(f"path: /healthz, {OFTEN}, from: {asked_from}")
        await mesh.say(USERS_FILE, f"service: users\nport: 8080\nendpoints: {ports}\n{own}\n")

    async with endpoint("a") as one, endpoint("b", health=503) as other:
        for nobody in ("gateways", "nobody"):
            await said(nobody)
            assert (await answered(mesh, 10, by_sidecar=True)).keys() == {"a", "b"}
            assert other.checks.total() == 0
        await said("callers")
        await only(mesh, "a", by_sidecar=True)
        assert other.checks.total() > 0


async def test_where_all_fail_their_check_all_are_asked_as_if_there_was_none(mesh: Mesh) -> None:
    async with endpoint("a") as one, endpoint("b", health=500) as other:
        await mesh.users(keys(f"path: /healthz, {OFTEN}"), one.port, other.port)
        await only(mesh, "a")
        one.health = 500
        await only(mesh, "a", "b")


async def test_what_fails_in_live_traffic_is_left_out_though_it_passes_its_check(mesh: Mesh) -> None:
    async with endpoint("a") as one, endpoint("b") as other:
        other.status = 500
        outliers = "outliers: {consecutive_5xx: 3, eject_for: 60s}\nretries: {attempts: 0}"
        await mesh.users(f"health: {{path: /healthz, {OFTEN}}}\n{outliers}", one.port, other.port)
        await only(mesh, "a")
        asked = other.checks.total()

        async def again() -> bool:
            return other.checks.total() > asked + 5

        await eventually(again, "it has passed its check since")
        assert (await answered(mesh, 10)) == {"a": 10}


@shows("service.health.unhealthy_after", "service.health.healthy_after")
async def test_so_many_answers_in_a_row_decide(mesh: Mesh) -> None:
    async with endpoint("a") as one, endpoint("b") as other:
        rows = "unhealthy_after: 5, healthy_after: 7"
        await mesh.users(keys(f"path: /healthz, {OFTEN}, {rows}"), one.port, other.port)
        await only(mesh, "a", "b")
        for health, least, names in ((503, 5, ("a",)), (200, 7, ("a", "b"))):
            other.health, before = health, other.checks.total()
            await only(mesh, *names)
            assert other.checks.total() - before >= least


@shows("service.health.timeout")
async def test_an_answer_that_comes_too_late_is_none(mesh: Mesh) -> None:
    async with endpoint("a") as one, endpoint("b") as other:
        other.health_delay_s = 0.5
        await mesh.users(keys(f"path: /healthz, {OFTEN}, timeout: 100ms"), one.port, other.port)
        await only(mesh, "a")


@shows("service.health.tcp")
async def test_an_endpoint_that_takes_no_connection_gets_no_requests(mesh: Mesh) -> None:
    (nobody,) = free_ports(1)
    async with endpoint("a") as one:
        await mesh.users(ALONE, one.port, nobody)
        await only(mesh, "a", "503")
        await mesh.users(keys(f"tcp: connect, {OFTEN}"), one.port, nobody)
        await only(mesh, "a")


@shows("service.health.grpc", "service.health.grpc.service")
async def test_a_grpc_service_is_asked_by_the_protocol_of_grpc(mesh: Mesh) -> None:
    async with serving({"": True, "a": True}) as one, serving({"": True, "a": False}) as other:
        for asked, ports in (("{}", (one, other)), ("{service: a}", (one,))):
            own = keys(f"grpc: {asked}, {OFTEN}, from: callers")
            await mesh.users(f"protocol: grpc\n{own}", one.port, other.port)
            await eventually(partial(exactly, mesh, one, other, ports), f"{len(ports)} are called")


class Serving:
    """A gRPC server that says of some services whether they can serve, and counts its calls."""

    def __init__(self, services: dict[str, bool]) -> None:
        self.port = 0
        self.calls = 0
        self._services = services

    async def check(self, request: bytes, _context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        """A HealthCheckRequest's first field is the service; the answer's is 1 (SERVING) or 2."""
        return b"\x08\x01" if self._services[request[2:].decode()] else b"\x08\x02"

    async def wait(self, _request: bytes, _context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        """A call of the service."""
        self.calls += 1
        return b""


@asynccontextmanager
async def serving(services: dict[str, bool]) -> AsyncIterator[Serving]:
    found, server = Serving(services), grpc.aio.server()
    name, method = WAIT[1:].split("/")
    for of, methods in (("grpc.health.v1.Health", {"Check": found.check}), (name, {method: found.wait})):
        handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            one: grpc.unary_unary_rpc_method_handler(do) for one, do in methods.items()
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(of, handlers),))
    found.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield found
    finally:
        await server.stop(None)


async def exactly(mesh: Mesh, one: Serving, other: Serving, called: tuple[Serving, ...]) -> bool:
    one.calls = other.calls = 0
    for _ in range(6):
        await call(mesh.ports.egress, 0, {})
    return {server for server in (one, other) if server.calls} == {*called}


async def test_no_request_fails_though_all_endpoints_are_replaced_by_new_ones(mesh: Mesh) -> None:
    assert (await while_replaced(mesh)).keys() == {"a", "b"}


async def test_requests_fail_where_new_endpoints_have_to_answer_first(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = pb.Cluster.CommonLbConfig(healthy_panic_threshold=pb.Percent(value=0))
    monkeypatch.setattr(cluster, "checked_endpoints", lambda: strict)
    assert (await while_replaced(mesh))["503"] > 0


async def while_replaced(mesh: Mesh) -> Counter[str]:
    """Who answers callers that go on calling, while all endpoints are others again and again."""
    found: Counter[str] = Counter()
    enough = asyncio.Event()

    async def go_on() -> None:
        while not enough.is_set():
            found.update(await answered(mesh, 1))

    async with endpoint("a") as one, endpoint("b") as other, asyncio.TaskGroup() as calling:
        one.health_delay_s = other.health_delay_s = 0.1
        await mesh.users(keys("path: /healthz, interval: 1s"), one.port)
        await only(mesh, "a")
        for _ in range(4):
            calling.create_task(go_on())
        for port in (other.port, one.port) * 3:
            await mesh.users(keys("path: /healthz, interval: 1s"), port)
        await only(mesh, "a")
        enough.set()
    return found

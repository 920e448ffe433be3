"""`circuit_breakers`: what a real sidecar refuses to open."""

import asyncio
from collections import Counter
from functools import partial

import pytest

from meshctl.verify.connection import get
from meshctl.verify.ports import free_ports
from tests.support.grpc_backend import call, grpc_backend
from tests.support.mesh import Mesh
from tests.support.shows import shows
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_ONCE = 10
NO_RETRIES = "retries: {attempts: 0}"
OVERFLOW = "upstream connect error or disconnect/reset before headers. reset reason: overflow"


async def asked(mesh: Mesh, delay: str) -> int:
    """The status of a request that is answered as late as this."""
    return (await get(mesh.ports.egress, "/", {"host": "users", "x-delay": delay})).status


@shows("service.circuit_breakers.connections", "service.circuit_breakers.pending")
async def test_beyond_connections_and_pending_a_request_fails_at_once(mesh: Mesh) -> None:
    await mesh.users(f"circuit_breakers: {{connections: 3, pending: 2}}\n{NO_RETRIES}")
    async with asyncio.TaskGroup() as under_way:
        for number in range(1, 4):
            under_way.create_task(asked(mesh, "2000ms"))
            await eventually(partial(has_connections, mesh, number), f"{number} connections are open")
        statuses = await asyncio.gather(*(asked(mesh, "0ms") for _ in range(AT_ONCE)))
    assert Counter(statuses) == {200: 2, 503: 8}


async def has_connections(mesh: Mesh, number: int) -> bool:
    stats = await mesh.sidecar.stats(r"^cluster\.users/v1\.upstream_rq_active$")
    return sum(stats.values()) == number


@shows("service.circuit_breakers.requests")
async def test_beyond_requests_a_call_over_http2_fails_at_once(mesh: Mesh) -> None:
    async with grpc_backend() as port:
        await mesh.users(f"protocol: http2\ncircuit_breakers: {{requests: 4}}\n{NO_RETRIES}", port)
        calls = [call(mesh.ports.egress, 1, {}) for _ in range(AT_ONCE)]
        assert Counter(ended.message for ended in await asyncio.gather(*calls)) == {None: 4, OVERFLOW: 6}


@shows("service.circuit_breakers.retries")
async def test_beyond_retries_a_request_is_not_sent_again(mesh: Mesh) -> None:
    (nobody,) = free_ports(1)
    await mesh.users("circuit_breakers: {retries: 1}\nretries: {attempts: 3}", nobody)
    assert set(await asyncio.gather(*(asked(mesh, "0ms") for _ in range(AT_ONCE)))) == {503}
    stats = await mesh.sidecar.stats(r"users/v1\.upstream_rq_retry_overflow$")
    assert stats["cluster.users/v1.upstream_rq_retry_overflow"] > 0

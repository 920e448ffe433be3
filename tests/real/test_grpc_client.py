"""gRPC's own xDS client as a second client: it asks top-down and by name, and carries its calls itself."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias

import grpc
import pytest

from meshctl.verify.scene import USERS_FILE, Ports, Scene
from meshctl.xds.ordering import NeedsOrder
from tests.support import fleet
from tests.support.planes import in_process
from tests.support.waiting import LIMIT_S, eventually

METHOD = "/example.Users/Version"
GRACE_S = 0.5
GRPC = "protocol: grpc\n"

Call: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"


@pytest.fixture
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A control plane, and two versions of a gRPC service; no Envoy."""
    scene = Scene(tmp_path_factory.mktemp("grpc"), Ports.free())
    scene.write_all()
    scene.write(USERS_FILE, scene.users({"v1": 100}) + GRPC)
    async with AsyncExitStack() as running:
        for version, port in (("v1", scene.ports.v1), ("v2", scene.ports.v2)):
            await running.enter_async_context(backend(version, port))
        await running.enter_async_context(in_process(NeedsOrder(GRACE_S))(scene))
        yield scene


@asynccontextmanager
async def backend(version: str, port: int) -> AsyncIterator[None]:
    """A gRPC server that answers its version."""

    async def answer(_request: bytes, _context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        return version.encode()

    service, method = METHOD[1:].split("/")
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(answer)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(1)


@pytest.fixture
async def call(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Call]:
    """Calls `users` as the service web does, on a channel to `xds:///users`."""
    server = {"server_uri": scene.control_plane, "channel_creds": [{"type": "insecure"}]}
    node = {"id": "web-grpc", "cluster": "web"}
    monkeypatch.setenv("GRPC_XDS_BOOTSTRAP_CONFIG", json.dumps({"xds_servers": [server], "node": node}))
    async with grpc.aio.insecure_channel("xds:///users") as channel:
        users: Call = channel.unary_unary(METHOD)
        yield users


async def test_a_grpc_client_follows_a_shift_and_the_removal_of_the_old_version_without_a_failed_call(
    scene: Scene, call: Call
) -> None:
    answers: Counter[bytes] = Counter()

    async def one() -> bytes:
        answer = await call(b"", timeout=LIMIT_S)
        answers[answer] += 1
        return answer

    async def keep_calling() -> None:
        while True:
            await one()

    async def only_v2() -> bool:
        return {await one() for _ in range(20)} == {b"v2"}

    async def has_let_go_of_v1() -> bool:
        node = await fleet.node(scene, "web-grpc")
        return node["state"] == "synced" and {one["resources"] for one in node["types"]} == {1}

    assert await one() == b"v1"
    async with asyncio.TaskGroup() as calling:
        tasks = [calling.create_task(keep_calling()) for _ in range(8)]
        scene.write(USERS_FILE, scene.users({"v1": 50, "v2": 50}) + GRPC)
        await eventually(lambda: _seen(answers, b"v2"), "v2 gets calls")
        scene.write(USERS_FILE, scene.users({"v1": 0, "v2": 100}) + GRPC)
        await eventually(only_v2, "all calls go to v2")
        scene.write(USERS_FILE, scene.users({"v2": 100}) + GRPC)
        await eventually(has_let_go_of_v1, "the client holds v2 alone")
        assert await only_v2()
        for task in tasks:
            task.cancel()
    node = await fleet.node(scene, "web-grpc")
    assert node["view"] == "sidecar/web@grpc"
    assert {one["type"] for one in node["types"]} == {"cds", "eds", "lds", "rds"}


@pytest.mark.parametrize("policy", ["ring_hash", "maglev"])
@pytest.mark.parametrize("by", ["{header: x-account}", "{cookie: account}", "source"])
async def test_a_grpc_client_takes_what_hashes_checks_and_keeps_sessions_and_hashes_by_headers(
    scene: Scene, call: Call, policy: str, by: str
) -> None:
    keys = f"load_balancing: {{policy: {policy}, by: {by}}}\nhealth: {{grpc: {{}}, from: callers}}\n"
    keys += "affinity: {by: {cookie: SRV}}\n"
    ports = f"[127.0.0.1:{scene.ports.v1}, 127.0.0.1:{scene.ports.v2}]"
    scene.write(USERS_FILE, f"service: users\nport: 8080\nendpoints: {ports}\n{GRPC}{keys}")

    async def by_account() -> dict[str, set[bytes]]:
        """Who answers which account."""
        accounts = [f"AC{number}" for number in range(20)]
        return {
            one: {await call(b"", timeout=LIMIT_S, metadata=(("x-account", one),)) for _ in range(3)}
            for one in accounts
        }

    async def sticks() -> bool:
        found = await by_account()
        both = set().union(*found.values()) == {b"v1", b"v2"}
        return both and (by != "{header: x-account}" or all(len(one) == 1 for one in found.values()))

    await eventually(sticks, "calls of one account are answered by one endpoint")
    assert (await fleet.node(scene, "web-grpc"))["state"] == "synced"


async def test_a_grpc_client_looks_up_the_name_that_stands_for_a_version(scene: Scene, call: Call) -> None:
    assert await call(b"", timeout=LIMIT_S) == b"v1"
    scene.write(USERS_FILE, f"service: users\nport: {scene.ports.v2}\nendpoints: {{dns: localhost}}\n{GRPC}")

    async def answered_there() -> bool:
        return await call(b"", timeout=LIMIT_S) == b"v2"

    await eventually(answered_there, "calls go where the name leads")
    node = await fleet.node(scene, "web-grpc")
    assert node["view"] == "sidecar/web@grpc"


async def _seen(answers: Counter[bytes], answer: bytes) -> bool:
    return answers[answer] > 0

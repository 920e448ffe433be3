"""The first steps of the README, typed as commands: from an empty folder to an answer of the backend."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from meshctl.verify.connection import get
from meshctl.verify.ports import free_ports
from tests.support.shell import started, typed
from tests.support.waiting import LIMIT_S, eventually

README = Path(__file__).parents[2] / "README.md"


def block(first: str) -> list[str]:
    """The lines of the README's code block whose first line begins so."""
    blocks = (part.split("\n```")[0] for part in README.read_text(encoding="utf-8").split("```sh\n")[1:])
    (found,) = (text for text in blocks if text.startswith(first))
    return found.splitlines()


STEPS = " && ".join(block("meshctl init"))
BACKEND = block("export PATH")[1]
MISSPELT = "meshctl bootstrap sidecar --service wbe"
LOCALHOST = "meshctl catalog add pay --port 8082 --endpoint localhost:9001"


async def answers(port: int, path: str, host: str, body: str) -> bool:
    try:
        return (await get(port, path, {"host": host})).body.decode().startswith(body)
    except OSError:
        return False


@pytest.fixture
async def running() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def test_the_first_steps_as_typed_lead_to_an_answer_of_the_backend(
    tmp_path: Path, running: AsyncExitStack
) -> None:
    users, egress, admin, xds, http = free_ports(5)
    server, folder = f"127.0.0.1:{xds}", tmp_path / "x"
    assert BACKEND.endswith('--port 9001 --body "hello from users" &')
    done = await typed(STEPS.replace(":9001", f":{users}"), tmp_path)
    assert done.code == 0, done
    serving = ("meshctl", "serve", "--xds", server, "--http", f"127.0.0.1:{http}")
    backend = (sys.executable, "-m", "meshctl.verify.backend", "--port", str(users), "--body", "hello")
    serve = await running.enter_async_context(await started("serve", serving, folder))
    await running.enter_async_context(await started("backend", backend, folder))
    await eventually(lambda: answers(http, "/readyz", "localhost", ""), "serve answers")

    addresses = f"--egress 127.0.0.1:{egress} --admin-port {admin} --control-plane {server}"
    done = await typed(f"meshctl bootstrap sidecar --service web {addresses} > web.yaml", folder)
    assert done.code == 0
    assert f"curl -H 'Host: users' 127.0.0.1:{egress}/" in done.err
    envoy = ("envoy", "-c", "web.yaml", "--disable-hot-restart", "--concurrency", "1")
    await running.enter_async_context(await started("envoy", envoy, folder))
    await eventually(lambda: answers(egress, "/", "users", "hello"), "the sidecar leads to the backend")

    async def synced() -> bool:
        listed = await typed(f"meshctl fleet list --server {server} --output json", folder)
        return [node["state"] for node in json.loads(listed.out)["nodes"]] == ["synced"]

    await eventually(synced, "the fleet has one node, in sync")
    serve.signal(signal.SIGINT)
    assert await asyncio.wait_for(serve.wait(), LIMIT_S) == 0
    assert "Traceback" not in serve.log_tail()
    assert f"meshctl bootstrap sidecar --service web --control-plane {server} > web.yaml" in serve.log_tail()


async def test_each_step_says_what_to_type_next(tmp_path: Path) -> None:
    next_steps = [line for line in (await typed(STEPS, tmp_path)).err.splitlines() if line]
    assert sum(line.startswith("next: ") for line in next_steps) == 4


async def test_a_misspelt_service_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    await typed(STEPS, tmp_path)
    done = await typed(MISSPELT, tmp_path / "x")
    assert (done.code, done.out) == (1, "")
    assert "'wbe'" in done.err
    assert "'web'" in done.err


async def test_an_endpoint_by_name_is_refused_with_the_address_to_write(tmp_path: Path) -> None:
    await typed(STEPS, tmp_path)
    done = await typed(LOCALHOST, tmp_path / "x")
    assert done.code == 1
    assert "127.0.0.1:9001" in done.out + done.err
    assert not [file for file in (tmp_path / "x" / "catalog").rglob("pay.yaml")]

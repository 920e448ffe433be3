"""The first steps of the README, typed one after the other, up to the answer of a backend."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

from meshctl.cli.main import run
from meshctl.verify.connection import get
from meshctl.verify.polling import until
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import BackendProcess, Envoy, MeshctlServe


async def _typed(*words: object) -> int:
    """Run a command line beside this loop, as in another terminal."""
    return await asyncio.to_thread(run, [str(word) for word in words])


async def test_the_first_steps_lead_to_an_answer_of_the_backend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend_port, egress, admin, xds, http = free_ports(5)
    monkeypatch.chdir(tmp_path)
    assert await _typed("init", "x") == 0
    monkeypatch.chdir("x")
    users = ("users", "--port", 8080, "--endpoint", f"127.0.0.1:{backend_port}")
    assert await _typed("catalog", "add", *users) == 0
    web = ("web", "--port", 8081, "--endpoint", "127.0.0.1:9002", "--use", "users")
    assert await _typed("catalog", "add", *web) == 0
    assert await _typed("validate") == 0
    server = f"127.0.0.1:{xds}"
    serving = ("--catalog", ".", "--xds", server, "--http", f"127.0.0.1:{http}")
    async with (
        await BackendProcess.run("users", "v1", backend_port, tmp_path) as backend,
        await MeshctlServe.run("serve", serving, http, tmp_path) as serve,
    ):
        await asyncio.gather(backend.wait_ready(), serve.wait_ready())
        addresses = ("--egress", f"127.0.0.1:{egress}", "--admin-port", admin, "--server", server)
        capsys.readouterr()
        assert await _typed("bootstrap", "sidecar", "--service", "web", *addresses) == 0
        bootstrap = capsys.readouterr().out
        async with await Envoy.run("web", bootstrap, admin, tmp_path) as envoy:
            await envoy.wait_ready()
            assert (await get(egress, "/", {"host": "users"})).body == b"v1\n"
            await asyncio.wait_for(until(lambda: _synced(server, capsys)), 20)
        serve.signal(signal.SIGINT)
        assert await serve.wait() == 0
        assert "Traceback" not in serve.log_tail()


async def _synced(server: str, capsys: pytest.CaptureFixture[str]) -> bool:
    assert await _typed("fleet", "list", "--server", server, "--output", "json") == 0
    return [node["state"] for node in json.loads(capsys.readouterr().out)["nodes"]] == ["synced"]

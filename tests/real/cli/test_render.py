"""What `meshctl render --static` writes runs in a real Envoy, without a control plane."""

from pathlib import Path

import pytest

from meshctl.cli.main import run
from meshctl.verify.connection import get
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import BackendProcess, Envoy

MESH = """\
format: 1
edition: 2026.11
name: example
egress: "127.0.0.1:{egress}"
"""
USERS = """\
service: users
port: 8080
versions:
  v1: {{endpoints: ["127.0.0.1:{backend}"]}}
  v2: {{endpoints: {{dns: "localhost:{backend}"}}}}
serving: v1
routes:
  - match: {{path: /named}}
    to: users/v2
  - match: {{path: /ping}}
    respond: {{status: 200, body: pong}}
  - match: {{path: "/{long}/{{sid}}"}}
    respond: {{status: 200, body: long}}
"""
LONG = "x" * 300
"""A path with it is a regular expression, larger than Envoy takes without the switches of a bootstrap."""
WEB = """\
service: web
port: 8081
endpoints: []
uses: [users]
"""


@pytest.mark.parametrize("form", ["yaml", "json"])
async def test_a_static_configuration_answers_as_the_catalog_says(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    egress, backend_port, admin = free_ports(3)
    (tmp_path / "team").mkdir()
    (tmp_path / "mesh.yaml").write_text(MESH.format(egress=egress))
    (tmp_path / "team" / "users.yaml").write_text(USERS.format(backend=backend_port, long=LONG))
    (tmp_path / "team" / "web.yaml").write_text(WEB)
    arguments = ("--service", "web", "--static", "--admin-port", str(admin), "--output", form)
    assert run(["render", "--catalog", str(tmp_path), *arguments]) == 0
    static = capsys.readouterr().out
    async with (
        await BackendProcess.run("users", "v1", backend_port, tmp_path) as backend,
        await Envoy.run("web", static, admin, tmp_path) as envoy,
    ):
        await backend.wait_ready()
        await envoy.wait_ready()
        assert (await get(egress, "/", {"host": "users"})).body == b"v1\n"
        assert (await get(egress, "/named", {"host": "users"})).body == b"v1\n"
        assert (await get(egress, "/ping", {"host": "users.mesh"})).body == b"pong"
        assert (await get(egress, f"/{LONG}/1", {"host": "users"})).body == b"long"
        stranger = await get(egress, "/", {"host": "accounts"})
        assert (stranger.status, b"accounts is not in `uses`" in stranger.body) == (404, True)

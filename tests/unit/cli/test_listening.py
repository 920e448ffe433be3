"""What a command says of an address where something else listens, over real connections."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from meshctl.cli.listening import Listener, listener
from meshctl.cli.main import run


class _Metrics(BaseHTTPRequestHandler):
    """A page, as /metrics is one; what is no HTTP/1 gets 400."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        return None


class _Shell(socketserver.BaseRequestHandler):
    """Speaks first, and no HTTP."""

    def handle(self) -> None:
        self.request.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


class _Mute(socketserver.BaseRequestHandler):
    """Hangs up."""

    def handle(self) -> None:
        return None


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def listening(handler: type[socketserver.BaseRequestHandler]) -> Iterator[str]:
    """The address of such a server."""
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("handler", "found"), [(_Metrics, Listener.HTTP), (_Shell, Listener.OTHER), (_Mute, Listener.OTHER)]
)
def test_who_listens_is_told_by_what_it_says(
    handler: type[socketserver.BaseRequestHandler], found: Listener
) -> None:
    with listening(handler) as server:
        assert listener(server) is found


def test_nobody_listens_on_a_free_port_nor_at_a_name_that_is_none() -> None:
    assert listener("127.0.0.1:1") is Listener.NOBODY
    assert listener("a..b:1") is Listener.NO_HOST


@pytest.fixture
def catalog(tmp_path: Path) -> str:
    """A folder that could be applied."""
    (tmp_path / "mesh.yaml").write_text("format: 1\n")
    return str(tmp_path)


@pytest.mark.parametrize("words", [["fleet", "list"], ["plan"], ["apply"], ["confirm", "0123456789ab"]])
def test_each_command_says_which_address_it_takes(
    words: list[str], catalog: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = [catalog] if words[0] in ("plan", "apply") else []
    with listening(_Metrics) as server:
        assert run([*words, *folder, "--server", server]) == 1
    assert capsys.readouterr().err == (
        f"Error: {server} speaks plain HTTP, as the --http address of meshctl serve does;"
        " --server takes the --xds address of meshctl serve, 127.0.0.1:18000 by default\n"
    )


def test_something_else_is_told_from_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with listening(_Shell) as server:
        assert run(["fleet", "list", "--server", server]) == 1
    assert f"Error: {server} ended the call without an answer" in capsys.readouterr().err


@pytest.mark.parametrize("typed", ["https://127.0.0.1:18000", "tcp://127.0.0.1:18000/x"])
def test_another_scheme_is_refused_with_what_to_write(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fleet", "list", "--server", typed]) == 2
    assert "is spoken here; write 127.0.0.1:18000\n" in capsys.readouterr().err

"""The YAML language server that editors run, over stdio: what it tells of a file, and what it offers."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.waiting import LIMIT_S

SERVER = Path(".venv/editor/node_modules/yaml-language-server/out/server/src/server.js").resolve()

_SETTINGS = {
    "yaml": {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}},
    "http": {},
}
"""As an editor has them, but for the list of schemas that is asked for on the network."""


class Diagnostic(NamedTuple):
    """What is underlined: the line and column where it begins, counted from 1, and the words."""

    line: int
    column: int
    message: str


class LanguageServer:
    """A running server, as one editor sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._told: dict[str, asyncio.Future[list[Diagnostic]]] = {}
        self._configured = asyncio.Event()

    async def initialize(self, folder: Path) -> None:
        """Say what the editor can do, and wait until the server has its settings."""
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {
                "hover": {"contentFormat": ["markdown"]},
                "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
            },
        }
        root = {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities}
        await self._ask("initialize", root)
        self._send({"method": "initialized", "params": {}})
        async with asyncio.timeout(LIMIT_S):
            await self._configured.wait()

    async def open(self, file: Path, text: str) -> list[Diagnostic]:
        """Open a file with this text, and what is told of it."""
        told: asyncio.Future[list[Diagnostic]] = asyncio.get_running_loop().create_future()
        self._told[file.as_uri()] = told
        document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        async with asyncio.timeout(LIMIT_S):
            return await told

    async def hover(self, file: Path, line: int, column: int) -> str:
        """What is shown where the pointer stands; "" for nothing."""
        found = await self._ask("textDocument/hover", _place(file, line, column))
        return "" if found is None else str(found["contents"]["value"])

    async def complete(self, file: Path, line: int, column: int) -> Sequence[str]:
        """What is offered where the cursor stands."""
        found = await self._ask("textDocument/completion", _place(file, line, column))
        return [item["label"] for item in found["items"]]

    async def listen(self) -> None:
        """Take what the server says, to its end."""
        output = self._process.stdout
        assert output is not None
        while head := await output.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            self._take(json.loads(await output.readexactly(length)))

    def _take(self, message: Mapping[str, Any]) -> None:
        match message:
            case {"method": "textDocument/publishDiagnostics", "params": {"uri": uri, "diagnostics": found}}:
                told = self._told.get(uri)
                if told is not None and not told.done():
                    told.set_result([_diagnostic(one) for one in found])
            case {"method": "workspace/configuration", "id": number, "params": {"items": items}}:
                wanted = [_SETTINGS.get(item.get("section", ""), {}) for item in items]
                self._send({"id": number, "result": wanted})
                self._configured.set()
            case {"method": _, "id": number}:
                self._send({"id": number, "result": None})
            case {"id": number, "result": result}:
                self._answers.pop(number).set_result(result)
            case {"id": number, "error": error}:
                self._answers.pop(number).set_exception(AssertionError(error))

    async def _ask(self, method: str, params: Mapping[str, object]) -> Any:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "method": method, "params": params})
        async with asyncio.timeout(LIMIT_S):
            return await answer

    def _send(self, message: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def _diagnostic(found: Mapping[str, Any]) -> Diagnostic:
    start = found["range"]["start"]
    return Diagnostic(start["line"] + 1, start["character"] + 1, found["message"])


def _place(file: Path, line: int, column: int) -> dict[str, object]:
    return {
        "textDocument": {"uri": file.as_uri()},
        "position": {"line": line - 1, "character": column - 1},
    }


@asynccontextmanager
async def language_server(folder: Path) -> AsyncIterator[LanguageServer]:
    """A server for the files of a folder; it ends with the block."""
    pipe = asyncio.subprocess.PIPE
    command = ("node", str(SERVER), "--stdio")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=folder)
    server = LanguageServer(process)
    listening = asyncio.create_task(server.listen())
    try:
        await server.initialize(folder)
        yield server
    finally:
        listening.cancel()
        process.kill()
        await process.wait()

"""What a person sees in an editor: the YAML language server on a mesh that `meshctl init` wrote."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from meshctl.catalog.declared import places
from meshctl.catalog.keys.timeouts import Timeouts
from meshctl.catalog.schema import modeline
from meshctl.operations.edit import NewService, add_service
from meshctl.operations.init import init
from tests.support.language_server import Diagnostic, LanguageServer, language_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLES = sorted(Path("catalog").rglob("*.yaml"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator["Editor"]:
    folder = tmp_path_factory.mktemp("editor")
    init(folder)
    async with language_server(folder) as server:
        yield Editor(server, folder / "catalog")


class Editor:
    """An editor on a catalog; positions are counted without the line that names the schema."""

    def __init__(self, server: LanguageServer, catalog: Path) -> None:
        self._server, self.catalog = server, catalog

    async def told(self, file: str, text: str) -> list[Diagnostic]:
        """What is underlined in a file of this text, from its top."""
        found = await self._server.open(self.catalog / file, modeline(file) + text)
        return sorted(one._replace(line=one.line - 1) for one in found)

    async def told_of_file(self, file: str) -> list[Diagnostic]:
        """What is underlined in a file as it is."""
        return await self._server.open(self.catalog / file, (self.catalog / file).read_text())

    async def hover(self, file: str, line: int, column: int) -> str:
        """What is shown over a place."""
        return await self._server.hover(self.catalog / file, line + 1, column)

    async def offered(self, file: str, line: int, column: int) -> set[str]:
        """What may be written at a place."""
        return set(await self._server.complete(self.catalog / file, line + 1, column))


async def test_files_that_meshctl_writes_are_right_and_have_the_schema(editor: Editor) -> None:
    add_service(editor.catalog, "platform", NewService("users", 8080, ["127.0.0.1:9001"]))
    for file in ("mesh.yaml", "platform/hello.yaml", "platform/users.yaml"):
        assert await editor.told_of_file(file) == []
    assert "Where it is reached." in await editor.hover("platform/users.yaml", 2, 2)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
async def test_example_mesh_has_no_mistake(editor: Editor, example: Path) -> None:
    text = example.read_text(encoding="utf-8")  # noqa: ASYNC240
    assert await editor.told(str(example.relative_to("catalog")), text) == []


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("t/a.yaml", "service: a\nprot: 80\nport: 80\n", Diagnostic(2, 1, "Property prot is not allowed.")),
        ("t/b.yaml", "service: b\nport: '80'\n", Diagnostic(2, 7, 'Incorrect type. Expected "integer".')),
        (
            "t/c.yaml",
            "service: c\nport: 80\ntimeouts: {request: 15 s}\n",
            Diagnostic(3, 21, "not a time such as 250ms, 5s or 2m, up to 24h"),
        ),
        (
            "t/d.yaml",
            "gateway: d\nlisteners: []\nsites: [{host: x.example.com}]\n",
            Diagnostic(3, 10, "Property host is not allowed."),
        ),
        ("t/e.yaml", "name: voice\nport: 80\n", Diagnostic(1, 1, 'Missing property "service".')),
        ("t/f.yaml", "service: {ports: 1}\n", Diagnostic(1, 11, "Property ports is not allowed.")),
    ],
)
async def test_mistake_is_underlined_where_it_is(
    editor: Editor, file: str, text: str, expected: Diagnostic
) -> None:
    assert expected in await editor.told(file, text)


async def test_hover_says_what_a_key_means_and_what_holds_without_it(editor: Editor) -> None:
    await editor.told("t/hover.yaml", "service: hover\nport: 80\ntimeouts: {request: 5s}\n")
    shown = await editor.hover("t/hover.yaml", 3, 13)
    assert places()["service", "timeouts", "request"].doc.partition(";")[0] in shown
    assert "15s for http" in shown


async def test_keys_and_words_are_offered_where_they_may_stand(editor: Editor) -> None:
    await editor.told("t/offer.yaml", "service: offer\n\ntimeouts:\n  \nretries:\n  on: \n")
    assert {"port", "routes", "uses"} <= await editor.offered("t/offer.yaml", 2, 1)
    assert await editor.offered("t/offer.yaml", 4, 3) == set(Timeouts.model_fields)
    assert {"never_sent", "idempotent"} <= await editor.offered("t/offer.yaml", 6, 7)


async def test_new_file_is_offered_the_kinds_of_entries(editor: Editor) -> None:
    await editor.told("t/new.yaml", "")
    assert await editor.offered("t/new.yaml", 1, 1) == {"service", "gateway"}

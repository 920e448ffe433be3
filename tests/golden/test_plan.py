"""What `meshctl plan` says of edits, asked of a server with five nodes; and the shape in docs/plan.md."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from meshctl.cli.main import run
from tests.golden.case import Case, Section
from tests.golden.conftest import Golden
from tests.support.planning import answering, gateway, published, sidecar

GOLDEN = Path(__file__).with_name("plans")
PAGE = Path(__file__).parents[2] / "docs" / "plan.md"

USERS = "service: users\nport: 8080\nendpoints: [10.0.0.1]\n"
TEXTS = {
    "mesh.yaml": "format: 1\nedition: 2026.11\nname: example\n",
    "accounts/users.yaml": USERS,
    "accounts/mail.yaml": "service: mail\nport: 8025\nendpoints: [10.0.0.3]\n",
    "edge/edge.yaml": "gateway: edge\nlisteners:\n  - {bind: 0.0.0.0:8000}\nsites:\n"
    "  - hosts: [example.com]\n    routes:\n      - to: users\n",
    "shop/web.yaml": "service: web\nport: 8081\nendpoints: [10.0.0.2]\nuses: [users]\n",
}
NODES = (gateway("edge"), *(sidecar("web", number) for number in range(4)))

CASES: Mapping[str, Mapping[str, str | None]] = {
    "nothing": {},
    "a comment": {"accounts/users.yaml": f"# ours\n{USERS}"},
    "an endpoint": {"accounts/users.yaml": USERS.replace("10.0.0.1", "10.0.0.1, 10.0.0.9")},
    "a weight of an endpoint": {
        "accounts/users.yaml": USERS.replace("10.0.0.1", "{address: 10.0.0.1, weight: 2}"),
    },
    "endpoints that become a name": {
        "accounts/users.yaml": USERS.replace("[10.0.0.1]", "{dns: users.internal}"),
    },
    "a timeout of connections, and an entry that nobody has yet": {
        "accounts/users.yaml": f"{USERS}timeouts: {{connect: 7s}}\n",
        "shop/cart.yaml": "service: cart\nport: 80\nendpoints: [10.0.0.4]\nuses: [users]\n",
    },
    "another port of a gateway": {"edge/edge.yaml": TEXTS["edge/edge.yaml"].replace("8000", "8001")},
    "a mistake beside an edit": {
        "shop/web.yaml": TEXTS["shop/web.yaml"].replace("uses: [users]", "uses: [usres]"),
        "accounts/users.yaml": f"{USERS}aliases: [people]\n",
    },
    "half of the files": {"accounts/users.yaml": None, "accounts/mail.yaml": None, "shop/web.yaml": None},
}
DOCUMENTED = "a timeout of connections, and an entry that nobody has yet"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")


async def planned(edits: Mapping[str, str | None], *options: str) -> int:
    """Type it over a folder that has these files otherwise; the exit code."""
    _write({**TEXTS, **edits})
    texts = {file: text.encode() for file, text in TEXTS.items()}
    async with answering(*published(texts, NODES)) as server:
        return await asyncio.to_thread(run, ["plan", "--server", server, *options])


@pytest.mark.parametrize("name", CASES)
async def test_plan_is_told_as_in_the_transcript(
    name: str, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await planned(CASES[name], "--detailed-exitcode")
    said = capsys.readouterr()
    path = GOLDEN / f"{name.replace(',', '').replace(' ', '-')}.txt"
    sections = _sections(name, code, said.out, said.err)
    golden.check(path, Case(f"What `meshctl plan` says of {name}.", tuple(sections)))


def _write(texts: Mapping[str, str | None]) -> None:
    for file, text in texts.items():
        if text is not None:
            path = Path("catalog", file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def _sections(name: str, code: int, out: str, err: str) -> Iterator[Section]:
    for file, text in CASES[name].items():
        yield Section(f"file catalog/{file}", text or "") if text else Section(f"without catalog/{file}")
    yield Section("$ meshctl plan --detailed-exitcode")
    if code:
        yield Section(f"exit {code}")
    yield from (Section(title, text) for title, text in (("stdout", out), ("stderr", err)) if text)


async def test_programs_get_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    await planned(CASES[DOCUMENTED], "--output", "json")
    shown = PAGE.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0]
    assert json.loads(capsys.readouterr().out) == json.loads(shown)


async def test_page_has_a_word_on_each_key(capsys: pytest.CaptureFixture[str]) -> None:
    broken = {"shop/web.yaml": f"{TEXTS['shop/web.yaml']}prot: 1\n"}
    await planned({**CASES["half of the files"], **broken}, "--output", "json")
    page = PAGE.read_text(encoding="utf-8")
    told = json.loads(capsys.readouterr().out)
    assert all([told["guarded"], told["problems"], told["entries"]])
    keys = set(_keys(told))
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []


def _keys(data: object) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from _keys(value)
    elif isinstance(data, list):
        for value in data:
            yield from _keys(value)

"""Starts on catalogs that cannot be served, under load: who keeps what, who gets what, and what is told."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from meshctl.verify.connection import get
from meshctl.verify.processes import Envoy
from meshctl.verify.scene import Ports, Scene
from meshctl.verify.stage import Stage, staged
from tests.real.conftest import BOTH_VARIANTS, GRACE_S
from tests.support import admin, fleet
from tests.support.impatient import Impatient
from tests.support.planes import Killable
from tests.support.second import SECOND, Second
from tests.support.shell import typed
from tests.support.shifts import loaded, put, until_shares
from tests.support.waiting import eventually

Fault = Callable[[Scene], None]


@dataclass(frozen=True, slots=True)
class Starts:
    """A mesh that was served, and the ports of a second sidecar, which held nothing when it came back."""

    stage: Stage
    server: Killable
    second: Second

    @property
    def scene(self) -> Scene:
        return self.stage.scene

    async def page(self) -> str:
        answer = await get(self.scene.ports.http, "/readyz")
        return f"{answer.status} {answer.body.decode()}"

    async def listed(self) -> str:
        scene = self.scene
        return (await typed(f"meshctl fleet list --server {scene.control_plane}", scene.folder)).out

    @asynccontextmanager
    async def newcomer(self) -> AsyncIterator[Envoy]:
        async with await self.second.start(self.scene) as envoy:
            yield envoy


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Impatient(tmp_path, Ports.free())


@pytest.fixture
async def starts(scene: Scene) -> AsyncIterator[Starts]:
    server, second = Killable(scene, GRACE_S), Second.free()
    async with staged(scene, server, BOTH_VARIANTS) as stage:
        async with second.on(stage):
            await _until_states(scene, {*stage.envoys, SECOND})
        yield Starts(stage, server, second)


def mesh_broken(scene: Scene) -> None:
    """The file that everything stands on does not parse."""
    scene.write("mesh.yaml", "format: [1\n")


def all_broken(scene: Scene) -> None:
    """No file parses."""
    for path in scene.catalog.glob("**/*.yaml"):
        scene.write(path.relative_to(scene.catalog).as_posix(), "{{{\n")


@pytest.mark.parametrize(("fault", "broken"), [(mesh_broken, 1), (all_broken, 4)])
async def test_start_on_a_broken_catalog_serves_its_last_good_texts(
    starts: Starts, fault: Fault, broken: int
) -> None:
    stage, scene = starts.stage, starts.scene
    kept = _texts(scene)
    async with loaded(stage) as load, load.change(f"kill -9, {fault.__name__}, restart, mended with an edit"):
        await starts.server.kill()
        fault(scene)
        await starts.server.start("/readyz")
        await _until_states(scene, set(stage.envoys))
        async with starts.newcomer() as newcomer:
            await newcomer.wait_ready()
            assert (await get(starts.second.egress, "/", {"host": "users"})).body == b"v1\n"
            catalog = await fleet.catalog(scene)
            assert (catalog["state"], len(catalog["broken"])) == ("broken", broken)
            assert {one["serving"] for one in catalog["broken"]} == {"last good"}
            assert await starts.page() == "200 ready\n"
            for file, text in kept.items():
                scene.write(file, text)
            await _until_shifted(stage, newcomer)
    assert (await fleet.catalog(scene))["state"] == "current"


def emptied(scene: Scene) -> None:
    """The mount point without its mount."""
    _set_aside(scene)
    scene.catalog.mkdir()


def missing(scene: Scene) -> None:
    """The folder is not there."""
    _set_aside(scene)


def unlistable(scene: Scene) -> None:
    """The folder is there, and to list it is an error, as of a mount that is stale or not permitted."""
    _set_aside(scene)
    scene.catalog.symlink_to(scene.catalog)


GONE: dict[Fault, str] = {
    emptied: "the catalog has no mesh.yaml",
    missing: "is not there",
    unlistable: "cannot be read: Too many levels of symbolic links",
}
KEEP = "nodes that hold nothing get the last good state, the others keep what they have"


@pytest.mark.parametrize("fault", GONE, ids=lambda fault: fault.__name__)
async def test_start_without_a_catalog_gives_the_last_good_state_to_those_who_hold_nothing(
    starts: Starts, fault: Fault
) -> None:
    stage, scene = starts.stage, starts.scene
    before = {name: await admin.held(envoy) for name, envoy in stage.envoys.items()}
    async with loaded(stage) as load, load.change(f"kill -9, {fault.__name__}, restart, back with an edit"):
        await starts.server.kill()
        fault(scene)
        await starts.server.start("/healthz")
        async with starts.newcomer() as newcomer:
            await newcomer.wait_ready()
            assert (await get(starts.second.egress, "/", {"host": "users"})).body == b"v1\n"
            await until_refused(stage)
            assert before == {name: await admin.held(envoy) for name, envoy in stage.envoys.items()}
            page = await starts.page()
            assert page.startswith("503 ")
            assert GONE[fault] in page
            assert KEEP in page
            listed = await starts.listed()
            assert f"catalog: unusable; {page.removeprefix('503 ').strip()}" in " ".join(listed.split())
            _bring_back(scene)
            await _until_shifted(stage, newcomer)
    assert (await fleet.catalog(scene))["state"] == "current"
    assert await starts.page() == "200 ready\n"


async def test_start_on_an_older_catalog_is_a_change_like_any_other(starts: Starts) -> None:
    stage, scene = starts.stage, starts.scene
    older = _texts(scene)
    for name in ("cart", "stock"):
        scene.write(f"shop/{name}.yaml", f"service: {name}\nport: 8090\nendpoints: [127.0.0.1:9]\n")
    put(stage, {"v1": 50, "v2": 50})
    await until_shares(stage, {"v1": 50, "v2": 50})
    async with loaded(stage) as load, load.change("kill -9, an older commit, restart"):
        await starts.server.kill()
        shutil.rmtree(scene.catalog)
        for file, text in older.items():
            scene.write(file, text)
        await starts.server.start("/readyz")
        await until_shares(stage, {"v1": 100})
        await _until_states(scene, set(stage.envoys))
    catalog = await fleet.catalog(scene)
    assert catalog["guarded"]["losses"] == ["service cart", "service stock"]


async def test_control_without_the_state_who_holds_nothing_gets_nothing(
    starts: Starts, tmp_path: Path
) -> None:
    stage = starts.stage
    async with stage.load() as load:
        await starts.server.kill()
        emptied(starts.scene)
        await starts.server.start("/healthz", tmp_path / "another")
        async with starts.newcomer() as newcomer:
            await until_refused(stage, newcomer)
            assert await admin.clusters(newcomer) == set()
        assert "there is no last good state" in await starts.page()
    assert load.tally.failed == 0


async def until_refused(stage: Stage, *others: Envoy) -> None:
    """Until each Envoy has opened two streams more: the server has refused one of them, at least."""
    envoys = (*stage.envoys.values(), *others)
    before = [await _streams(envoy) for envoy in envoys]

    async def tried() -> bool:
        now = [await _streams(envoy) for envoy in envoys]
        return all(count >= was + 2 for count, was in zip(now, before, strict=True))

    await eventually(tried, "every Envoy has asked the new server again")


async def _streams(envoy: Envoy) -> int:
    """How many it has opened; 0 while it has only just been started."""
    try:
        return sum((await envoy.stats(r"^cluster\.xds\.upstream_rq_total$")).values())
    except OSError:
        return 0


async def _until_shifted(stage: Stage, newcomer: Envoy) -> None:
    """Until an edit has reached everybody, the newcomer too."""
    put(stage, {"v1": 50, "v2": 50})
    await until_shares(stage, {"v1": 50, "v2": 50})

    async def taken() -> bool:
        return await admin.shares(newcomer, "users") == {"v1": 50, "v2": 50}

    await eventually(taken, "the newcomer has it, too")


async def _until_states(scene: Scene, names: set[str]) -> None:
    async def synced() -> bool:
        return await fleet.states(scene) == dict.fromkeys(names, "synced")

    await eventually(synced, f"{', '.join(sorted(names))} are synced")


def _texts(scene: Scene) -> dict[str, str]:
    found = scene.catalog.glob("**/*.yaml")
    return {path.relative_to(scene.catalog).as_posix(): path.read_text(encoding="utf-8") for path in found}


def _set_aside(scene: Scene) -> None:
    shutil.move(scene.catalog, scene.folder / "aside")


def _bring_back(scene: Scene) -> None:
    if scene.catalog.is_symlink():
        scene.catalog.unlink()
    elif scene.catalog.exists():
        scene.catalog.rmdir()
    shutil.move(scene.folder / "aside", scene.catalog)

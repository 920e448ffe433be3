"""A catalog that loses too much at once, under load: it waits, loses no request, and goes when confirmed."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from meshctl.cli import client
from meshctl.cli.errors import Failure
from meshctl.operations.admit import Admission
from meshctl.operations.guard import Losses
from meshctl.verify.connection import get
from meshctl.verify.scene import GATEWAY, USERS_FILE, Scene
from meshctl.verify.stage import Stage
from tests.support import admin, fleet
from tests.support.shell import typed
from tests.support.shifts import loaded, until_shares
from tests.support.waiting import eventually

EDGE = (
    "gateway: edge\nlisteners:\n  - {{bind: 127.0.0.1:{port}}}\n"
    "sites:\n  - hosts: [api.example.com]\n    open_to: {{accounts: [/**]}}\n"
)
OTHER = "service: {name}\nport: 8090\nendpoints: [127.0.0.1:9]\n"
KEPT = ("accounts/teams.yaml", "edge/edge.yaml", "mesh.yaml")
Break = Callable[[Scene], None]
GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


@pytest.fixture
async def mesh(stage: Stage) -> Stage:
    """A stage whose six files are in git, with a branch `half` that has three of them, and resolves."""
    scene = stage.scene
    scene.write("edge/edge.yaml", EDGE.format(port=scene.ports.edge))
    for file in ("accounts/teams.yaml", "shop/cart.yaml"):
        scene.write(file, OTHER.format(name=Path(file).stem))
    await asyncio.to_thread(_into_git, scene)

    for name in ("teams", "cart"):
        await _until_known(scene, name)

    async def synced() -> bool:
        return set((await fleet.states(scene)).values()) == {"synced"}

    await eventually(synced, "both nodes are synced")
    return stage


def _into_git(scene: Scene) -> None:
    aside = scene.folder / "half"
    _git(scene.catalog, "init", "--initial-branch=main")
    _git(scene.catalog, "add", "--all")
    _git(scene.catalog, "commit", "--message=all")
    _git(scene.catalog, "worktree", "add", "-b", "half", str(aside))
    gone = {path.relative_to(aside).as_posix() for path in aside.glob("**/*.yaml")} - set(KEPT)
    assert len(gone) == len(KEPT)
    _git(aside, "rm", *sorted(gone))
    _git(aside, "commit", "--message=half")
    _git(scene.catalog, "worktree", "remove", str(aside))


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run((*GIT, *arguments), cwd=folder, check=True, capture_output=True)


def checked_out(scene: Scene) -> None:
    """A branch with half of the files."""
    _git(scene.catalog, "checkout", "half")


def emptied(scene: Scene) -> None:
    """Every team's folder is gone, each at once: a single service that goes first is nobody's mistake."""
    for team in ("accounts", "edge", "shop"):
        shutil.move(scene.catalog / team, scene.folder / team)


def without_endpoints(scene: Scene) -> None:
    """Whatever writes the endpoints has found none."""
    text = (scene.catalog / USERS_FILE).read_text(encoding="utf-8")
    scene.write(USERS_FILE, text.replace(f"[127.0.0.1:{scene.ports.v1}]", "[]"))


LOSSES: dict[Break, list[str]] = {
    checked_out: ["service cart", "service users", "service web"],
    emptied: ["gateway edge", "service cart", "service teams", "service users", "service web"],
    without_endpoints: ["endpoints of users"],
}


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
async def test_what_would_vanish_loses_no_request_and_goes_when_it_is_confirmed(
    mesh: Stage, lose: Break
) -> None:
    scene = mesh.scene
    async with loaded(mesh) as load:
        async with load.change(lose.__name__):
            await asyncio.to_thread(lose, scene)
            await _until_losses(scene, LOSSES[lose])
            listed = await typed(f"meshctl fleet list --server {scene.control_plane}", scene.folder)
            page = await get(scene.ports.http, "/readyz")
        async with load.change("another entry goes on"):
            scene.write("shop/new.yaml", OTHER.format(name="new"))
            await _until_known(scene, "new")
    digest = (await fleet.catalog(scene))["guarded"]["hash"]
    assert "catalog: guarded, revision" in listed.out
    assert f"meshctl confirm {digest} --server {scene.control_plane}" in listed.out
    assert (page.status, f"meshctl confirm {digest}" in page.body.decode()) == (200, True)
    assert await fleet.metric(scene, "meshctl_guarded_losses") == len(LOSSES[lose])
    stale = await typed(f"meshctl confirm 0123456789ab --server {scene.control_plane}", scene.folder)
    assert (stale.code, digest in stale.err) == (4, True)
    taken = await typed(f"meshctl confirm {digest} --server {scene.control_plane}", scene.folder)
    assert taken.out.splitlines() == [f"let go: {loss}" for loss in LOSSES[lose]]
    assert (await fleet.catalog(scene))["state"] == "current"
    await _until_lost(mesh, lose)


async def test_files_that_come_back_end_the_guard_and_nothing_was_lost(mesh: Stage) -> None:
    scene = mesh.scene
    async with loaded(mesh) as load:
        async with load.change("half"):
            await asyncio.to_thread(checked_out, scene)
            await _until_losses(scene, LOSSES[checked_out])
        async with load.change("main"):
            await asyncio.to_thread(_git, scene.catalog, "checkout", "main")
            await _until_losses(scene, [])
    assert (await fleet.catalog(scene))["state"] == "current"


async def test_dropped_mount_loses_no_request_and_its_coming_back_is_served(mesh: Stage) -> None:
    scene = mesh.scene
    async with loaded(mesh) as load:
        async with load.change("the mount is dropped"):
            aside = shutil.move(scene.catalog, scene.folder / "aside")
            scene.catalog.mkdir()  # the mount point beneath it

            async def told() -> bool:
                return (await fleet.catalog(scene))["state"] != "current"

            await eventually(told, "the fleet tells of it")
        async with load.change("it is back, with an edit"):
            scene.catalog.rmdir()
            shutil.move(aside, scene.catalog)
            scene.write(USERS_FILE, scene.users({"v1": 50, "v2": 50}))
            await until_shares(mesh, {"v1": 50, "v2": 50})
    assert (await fleet.catalog(scene))["state"] == "current"


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
async def test_control_without_the_guard_the_same_takes_traffic_or_entries_away(
    mesh: Stage, lose: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Admission, "_guarded", lambda *_: Losses())
    async with mesh.load() as load:
        await asyncio.to_thread(lose, mesh.scene)
        await _until_lost(mesh, lose)
        if lose is not emptied:  # whose nodes keep what they have, and get no update any more

            async def failed() -> bool:
                return load.tally.failed > 0

            await eventually(failed, "a request has failed")


async def _until_losses(scene: Scene, losses: list[str]) -> None:
    async def told() -> bool:
        guarded = (await fleet.catalog(scene)).get("guarded")
        return (guarded["losses"] if guarded else []) == losses

    await eventually(told, f"guarded: {losses}")


async def _until_known(scene: Scene, name: str) -> None:
    async def known() -> bool:
        try:
            await asyncio.to_thread(client.get_target, scene.control_plane, "sidecar", [name])
        except Failure:
            return False
        return True

    await eventually(known, f"{name} is served")


async def _until_lost(stage: Stage, lose: Break) -> None:
    """Until the loss has reached the nodes: orphans, a route less, or no endpoints."""

    async def lost() -> bool:
        if lose is checked_out:
            return not await admin.clusters(stage.envoys[GATEWAY])
        if lose is emptied:
            return set((await fleet.states(stage.scene)).values()) == {"orphan"}
        found = await stage.envoys[GATEWAY].stats(r"^cluster\.users/v1\.membership_total$")
        return list(found.values()) == [0]

    await eventually(lost, f"{lose.__name__} has reached the nodes")

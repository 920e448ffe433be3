"""The oldest Envoy that is supported: all that is compiled for it, and a mesh of it at work."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from meshctl.catalog.folder import read_folder
from meshctl.envoy.routes import NOT_IN_USES
from meshctl.fleet.node import GRPC, OLDEST
from meshctl.names import ViewKey
from meshctl.operations.compile import CLIENT, WATCHED, Compiler, view_keys
from meshctl.operations.load import resolved
from meshctl.snapshot import Snapshot
from meshctl.verify.acceptance import refused
from meshctl.verify.connection import get
from meshctl.verify.processes import envoy_program
from meshctl.verify.reader import Reader
from meshctl.verify.scene import GATEWAY, SIDECAR, USERS_FILE, Scene
from meshctl.verify.stage import Stage, staged
from meshctl.xds.ordering import NeedsOrder
from tests.golden.case import Case, cases
from tests.golden.test_cases import FOLDER, compiler_of
from tests.real.conftest import GRACE_S
from tests.support import faults, fleet
from tests.support.planes import in_process
from tests.support.shifts import loaded, put, until_gone, until_shares
from tests.support.waiting import eventually

REPOSITORY = Path(__file__).resolve().parents[2]
INSTALLED = Path(sys.prefix) / "envoy-oldest" / "bin"
"""Where `make setup` puts it."""

MINOR = ".".join(map(str, OLDEST))


@pytest.fixture
def newest() -> str:
    return envoy_program()


@pytest.fixture
def oldest(newest: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """From here on, `envoy` is the oldest that is supported."""
    monkeypatch.setenv("PATH", f"{INSTALLED}{os.pathsep}{os.environ['PATH']}")
    program = envoy_program()
    assert program == str(INSTALLED / "envoy") != newest, "make setup installs it"
    return program


def example() -> Compiler:
    return Compiler(resolved(read_folder(REPOSITORY / "catalog"), WATCHED))


def catalogs() -> Mapping[str, tuple[Callable[[], Compiler], frozenset[ViewKey]]]:
    """Each golden case with resources for Envoys, and the example mesh: what compiles it, and its views."""
    found = {"catalog/": (example, frozenset(view_keys(example().resolver)))}
    for path in cases(FOLDER):
        case = Case.read(path)
        views = {ViewKey.parse(section.words[1]) for section in case.sections if "@" in section.words[1]}
        envoys = frozenset(view for view in views if view.client != GRPC)
        if envoys:
            found[path.stem] = (partial(compiler_of, case), envoys)
    return found


CATALOGS = catalogs()


def snapshot(name: str, client: str) -> Snapshot:
    """What Envoys of one release are given."""
    compiler_for, views = CATALOGS[name]
    compiler = compiler_for()
    for view in views:
        compiler.open(view._replace(client=client))
    assert compiler.publish().views.keys() == {view._replace(client=client).name for view in views}
    return compiler.snapshot


@pytest.mark.parametrize("name", CATALOGS)
def test_the_oldest_envoy_knows_all_that_is_compiled_for_it(name: str, oldest: str) -> None:
    younger = f"what is younger than {MINOR} belongs in meshctl/envoy/since.py"
    assert refused(snapshot(name, MINOR), Reader(oldest).refusal) == [], younger


@pytest.mark.parametrize("name", CATALOGS)
def test_the_newest_envoy_knows_all_that_is_compiled_for_it(name: str, newest: str) -> None:
    assert refused(snapshot(name, CLIENT), Reader(newest).refusal) == []


def test_what_is_compiled_for_the_newest_envoy_is_refused_by_the_oldest_for_a_field(oldest: str) -> None:
    found = refused(snapshot("older-envoy", CLIENT), Reader(oldest).refusal)
    assert {one.host for one in found} == {NOT_IN_USES}
    assert all("DirectResponseAction" in one.words and "unknown field" in one.words for one in found), found


@pytest.mark.parametrize("file", ["sidecar.yaml", "gateway.yaml"])
def test_the_oldest_envoy_takes_the_shown_bootstraps(file: str, oldest: str) -> None:
    assert Reader(oldest).refusal_of(REPOSITORY / "envoy-configs" / file) is None


@pytest.fixture(params=[SIDECAR, GATEWAY], ids=lambda name: f"{name} by SotW")
async def stage(request: pytest.FixtureRequest, scene: Scene, oldest: str) -> AsyncIterator[Stage]:
    """Both nodes are the oldest Envoy, one by delta, the other by SotW."""
    async with staged(scene, in_process(NeedsOrder(GRACE_S)), {request.param: "GRPC"}) as running:
        yield running


async def test_a_mesh_of_the_oldest_envoy_is_shifted_refuses_and_recovers_without_a_lost_request(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = stage.scene
    faults.host_name_for_port(monkeypatch, scene.ports.web)
    right = scene.users({"v2": 100})
    async with loaded(stage) as load:
        async with load.change("v1 replaced by v2"):
            put(stage, {"v2": 100})
            await until_shares(stage, {"v2": 100})
            await until_gone(stage, "users/v1")
        async with load.change("endpoints that are refused"):
            scene.write(USERS_FILE, right.replace(str(scene.ports.v2), str(scene.ports.web)))
            await _until_all(stage, "refused")
        async with load.change("repaired"):
            scene.write(USERS_FILE, right)
            await _until_all(stage, "synced")
    stranger = await get(scene.ports.egress, "/", {"host": "accounts"})
    assert (stranger.status, b"is not in `uses`" in stranger.body) == (404, True)
    for name, envoy in stage.envoys.items():
        node = await fleet.node(scene, name)
        assert node["user_agent"].startswith(f"{MINOR}.")
        assert node["view"].split("@")[1] == MINOR
        unknown = await envoy.stats(r"^server\.(static|dynamic)_unknown_fields$")
        assert list(unknown.values()) == [0, 0]


async def _until_all(stage: Stage, state: str) -> None:
    async def reached() -> bool:
        return await fleet.states(stage.scene) == dict.fromkeys(stage.envoys, state)

    await eventually(reached, f"both nodes are {state}")

"""What tests with real Envoys share: the mesh with its sidecar by delta and its gateway by SotW."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from meshctl.cli import client
from meshctl.verify.scene import GATEWAY, Ports, Scene
from meshctl.verify.stage import Stage, staged
from meshctl.xds.ordering import NeedsOrder
from tests.support.planes import in_process
from tests.support.waiting import LIMIT_S

GRACE_S = 2.0
"""What leaves does so in a time that a test can wait for."""

BOTH_VARIANTS = {GATEWAY: "GRPC"}


@pytest.fixture(scope="session", autouse=True)
def _patience() -> Iterator[None]:
    """Who asks the server here shares a machine, or even the event loop, with it and a load."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "TIMEOUT_S", LIMIT_S)
        yield


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, Ports.free())


@pytest.fixture
async def stage(scene: Scene) -> AsyncIterator[Stage]:
    async with staged(scene, in_process(NeedsOrder(GRACE_S)), BOTH_VARIANTS) as running:
        yield running

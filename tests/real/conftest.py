"""What tests with real Envoys share: the mesh with its sidecar by delta and its gateway by SotW."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from meshctl.verify.scene import GATEWAY, Ports, Scene
from meshctl.verify.stage import Stage, staged
from meshctl.xds.ordering import NeedsOrder
from tests.support.planes import in_process

GRACE_S = 2.0
"""What leaves does so in a time that a test can wait for."""

BOTH_VARIANTS = {GATEWAY: "GRPC"}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path, Ports.free())


@pytest.fixture
async def stage(scene: Scene) -> AsyncIterator[Stage]:
    async with staged(scene, in_process(NeedsOrder(GRACE_S)), BOTH_VARIANTS) as running:
        yield running

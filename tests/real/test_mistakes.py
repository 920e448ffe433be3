"""Mistakes with files, made under load: nothing that a person mistypes takes traffic away."""

import pytest

from meshctl.verify.scene import USERS_FILE
from meshctl.verify.stage import Stage
from tests.support import admin, fleet
from tests.support.shifts import loaded
from tests.support.waiting import eventually

BROKEN = "service: users\nprot: 80\n"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("accounts/users.yml", None),
        ("users.yaml", None),
        ("accounts/sub/users.yaml", None),
        ("shop/users.yaml", BROKEN),
        (USERS_FILE, BROKEN),
    ],
)
async def test_an_entry_moved_to_a_wrong_place_or_broken_loses_no_request(
    stage: Stage, file: str, text: str | None
) -> None:
    scene = stage.scene
    before = (scene.catalog / USERS_FILE).read_text(encoding="utf-8")
    async with loaded(stage) as load, load.change(f"moved to {file}"):
        (scene.catalog / USERS_FILE).unlink()
        scene.write(file, text or before)

        async def told() -> bool:
            broken = (await fleet.catalog(scene))["broken"]
            return any(problem["location"]["file"] == file for problem in broken)

        await eventually(told, f"the fleet tells of {file}")
    for envoy in stage.envoys.values():
        assert await admin.shares(envoy, "users") == {"v1": 100}

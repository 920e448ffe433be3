"""Waiting for the states of a stage's nodes."""

from collections.abc import Mapping

from meshctl.verify.scene import GATEWAY, SIDECAR
from meshctl.verify.stage import Stage
from tests.support import fleet
from tests.support.waiting import eventually


async def until_states(stage: Stage, states: Mapping[str, str]) -> None:
    """Wait until exactly these nodes are connected, in these states."""

    async def reached() -> bool:
        return await fleet.states(stage.scene) == states

    await eventually(reached, f"the nodes are {states}")


async def synced(stage: Stage) -> None:
    """Wait until both nodes hold what is published."""
    await until_states(stage, {SIDECAR: "synced", GATEWAY: "synced"})


async def refused(stage: Stage) -> None:
    """Wait until both nodes refuse something."""
    await until_states(stage, {SIDECAR: "refused", GATEWAY: "refused"})

"""Shifting the traffic of `users` on a stage, under load of which no request may fail."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from meshctl.verify.load import Load
from meshctl.verify.report import LoadReport
from meshctl.verify.scene import USERS_FILE
from meshctl.verify.stage import Stage
from tests.support import admin
from tests.support.waiting import eventually

IN_FLIGHT, REQUESTS = 200, 2_000


@asynccontextmanager
async def loaded(stage: Stage) -> AsyncIterator[Load]:
    """Load for as long as the block lasts; afterwards none of its requests has failed."""
    async with stage.load() as load:
        yield load
    assert_nothing_lost(load.report)


def assert_nothing_lost(report: LoadReport) -> None:
    """No request failed, and there were as many during each change as the claim needs."""
    assert report.tally.failed == 0, [str(failure) for failure in report.tally.failures]
    assert report.changes
    for change in report.changes:
        assert change.tally.requests >= REQUESTS, change
        assert change.in_flight_across >= IN_FLIGHT, change


def put(stage: Stage, weights: Mapping[str, int]) -> None:
    """Edit the catalog: `users` has these versions, each serving so many percent."""
    stage.scene.write(USERS_FILE, stage.scene.users(weights))


async def until_shares(stage: Stage, weights: Mapping[str, int]) -> None:
    """Wait until both Envoys have these weights in their routes; those of 0 % are left out."""

    async def taken() -> bool:
        found = [await admin.shares(envoy, "users") for envoy in stage.envoys.values()]
        return all(share == weights for share in found)

    await eventually(taken, f"both Envoys serve users by {weights}")


async def until_held(stage: Stage, *clusters: str) -> None:
    """Wait until both Envoys have these clusters, warm."""

    async def held() -> bool:
        return all([set(clusters) <= await admin.clusters(envoy) for envoy in stage.envoys.values()])

    await eventually(held, f"both Envoys hold {', '.join(clusters)}")


async def until_gone(stage: Stage, cluster: str) -> None:
    """Wait until neither Envoy has this cluster."""

    async def gone() -> bool:
        return all([cluster not in await admin.clusters(envoy) for envoy in stage.envoys.values()])

    await eventually(gone, f"no Envoy holds {cluster}")

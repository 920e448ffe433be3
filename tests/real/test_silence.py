"""Two real gateways that get nothing of what they are sent, beside one that does: who has which change."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from meshctl.cli.answers import Held
from meshctl.fleet.pace import ordered
from meshctl.fleet.waves import Run
from meshctl.verify.scene import USERS_FILE
from meshctl.verify.stage import Stage
from tests.support import admin, fleet
from tests.support.gateways import FIRST, Gateways
from tests.support.shifts import loaded
from tests.support.throttle import Throttle, throttle
from tests.support.waiting import LIMIT_S, eventually

LONG_S = 2 * LIMIT_S
"""Twice 20 s, and once more where a keep-alive of the server ends the first stream meanwhile; and room."""


@dataclass(frozen=True, slots=True)
class Three:
    """A gateway that gets everything, and two that waves take before it, behind proxies."""

    gateways: Gateways
    proxies: tuple[Throttle, Throttle]

    def limit(self, rate: float | None) -> None:
        """So many bytes a second reach the first two; None: all."""
        for proxy in self.proxies:
            proxy.limit(rate)

    async def until_connect(self, connect: str) -> None:
        """Wait until the gateway that gets everything has this timeout of connections."""

        async def reached() -> bool:
            return await admin.connect_timeout(self.gateways.envoys[FIRST], "users/v1") == connect

        await eventually(reached, f"{FIRST} connects within {connect}", LONG_S)

    async def held(self) -> list[Held]:
        """What is held back from the gateways."""
        found = (await fleet.catalog(self.gateways.scene))["held"]
        return [one for one in found if one["view"].startswith("gateway/")]

    def write(self, timeouts: str, more: str = "") -> None:
        """Edit `users`: its timeouts, and endpoints of v1 besides the first."""
        self.gateways.write_users(more=more)
        file = self.gateways.scene.catalog / USERS_FILE
        text = file.read_text(encoding="utf-8")
        self.gateways.scene.write(USERS_FILE, f"{text}timeouts: {{{timeouts}}}\n")


@pytest.fixture
async def three(stage: Stage) -> AsyncIterator[Three]:
    names = (f"gateway-{number}" for number in range(2, 100))
    before = [name for name in names if ordered([name, FIRST])[0] == name][:2]
    async with (
        AsyncExitStack() as running,
        throttle(stage.scene.control_plane) as one,
        throttle(stage.scene.control_plane) as other,
    ):
        gateways = Gateways(stage, {FIRST: stage.envoys[FIRST]}, running)
        gateways.write_waves("0s")
        for name, proxy in zip(before, (one, other), strict=True):
            await gateways.add(name, proxy.address)
        gateways.write_users("9s")
        await gateways.until_having("9s", 3)
        await gateways.until_states({"synced": 3})
        yield Three(gateways, (one, other))


async def test_change_that_the_first_nodes_leave_unanswered_is_held_until_they_answer(three: Three) -> None:
    gateways = three.gateways
    async with loaded(gateways.stage) as load:
        async with load.change("a timeout that two gateways do not answer"):
            three.limit(0)
            gateways.write_users("7s")

            async def held() -> bool:
                return bool(await three.held())

            await eventually(held, "the change is held back", LONG_S)
        (told,) = await three.held()
        assert await gateways.having("9s") == set(gateways.envoys)
        assert (await fleet.node(gateways.scene, FIRST))["state"] == "held"
        async with load.change("what changes beside it goes on, to the one that answers"):
            three.write("request: 7s, connect: 3s")
            await three.until_connect("3s")
        assert len(await three.held()) == 1
        async with load.change("all answer"):
            three.limit(None)
            await gateways.until_having("7s", 3, LONG_S)
            await gateways.until_states({"synced": 3})
    assert (told["cause"], told["type"], told["nodes"], told["serving"]) == ("silent", "rds", 2, "last good")
    silent = ", ".join(sorted(gateways.envoys.keys() - {FIRST}))
    assert told["reason"] == f"no answer for 20 s from {silent}"
    assert await three.held() == []


async def test_control_where_silence_holds_nothing_what_changes_beside_it_reaches_nobody(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "silent", lambda _run, _now: frozenset())
    three.limit(0)
    three.gateways.write_users("7s")

    async def stopped() -> bool:
        waves = (await fleet.catalog(three.gateways.scene))["waves"]
        return any(one["stopped"] and one["view"].startswith("gateway/") for one in waves)

    await eventually(stopped, "the wave is stopped", LONG_S)
    before = (await fleet.catalog(three.gateways.scene))["revision"]
    three.write("request: 7s, connect: 3s")

    async def published() -> bool:
        return (await fleet.catalog(three.gateways.scene))["revision"] != before

    await eventually(published, "the change beside it is published")
    three.write("request: 7s, connect: 3s", f"127.0.0.1:{three.gateways.scene.ports.v2}")
    envoy = three.gateways.envoys[FIRST]

    async def has_both() -> bool:
        return await admin.endpoints(envoy, "users/v1") == 2

    await eventually(has_both, "the endpoint that came after it, which goes at once, is there")
    assert await admin.connect_timeout(envoy, "users/v1") != "3s"
    assert await three.held() == []

"""Random sequences of edits, mistakes, checkouts, kills, restarts and cut connections: no request is lost.

Scripts are played two by two, each on a mesh of its own, which goes on from one script to the next. A failure
prints its scripts, shrunk, and the seed; to draw the same: `SEQUENCES_SEED=N pytest tests/real/...`.
"""

import asyncio
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from tests.support.forks import Order
from tests.support.player import Lost, Player
from tests.support.rig import rigged
from tests.support.script import SCRIPTS, Script

SEQUENCES, MESHES = 200, 2
SEED = int(os.environ.get("SEQUENCES_SEED", 0)) or random.SystemRandom().getrandbits(32)
PAIRS = st.tuples(SCRIPTS, SCRIPTS)


@dataclass(frozen=True, slots=True)
class Meshes:
    """Two meshes with players on them, in an event loop of their own: hypothesis calls from outside."""

    players: tuple[Player, ...]
    loop: asyncio.AbstractEventLoop

    def play(self, scripts: tuple[Script, ...]) -> None:
        for script in scripts:
            note("\n".join(["a script:", *(f"  {step}" for step in script)]))
        asyncio.run_coroutine_threadsafe(self._all(scripts), self.loop).result()

    async def _all(self, scripts: tuple[Script, ...]) -> None:
        pairs = zip(self.players, scripts, strict=True)
        ends = await asyncio.gather(*(one.play(script) for one, script in pairs), return_exceptions=True)
        for end in ends:
            if end is not None:
                raise end


@contextmanager
def meshes(factory: pytest.TempPathFactory, order: Order) -> Iterator[Meshes]:
    """Two of them, running for as long as the block lasts."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    ready: Future[Meshes] = Future()
    folders = [factory.mktemp("mesh") for _ in range(MESHES)]

    async def live() -> None:
        async with AsyncExitStack() as running:
            try:
                rigs = [await running.enter_async_context(rigged(one, order)) for one in folders]
                ready.set_result(Meshes(tuple([await Player.of(rig) for rig in rigs]), loop))
            except BaseException as error:
                ready.set_exception(error)
                raise
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(live())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield ready.result()
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def played(running: Meshes, phases: tuple[Phase, ...]) -> None:
    """Play them all. Raises Lost."""

    @seed(SEED)
    @settings(
        max_examples=SEQUENCES // MESHES,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    @given(PAIRS)
    def play(scripts: tuple[Script, ...]) -> None:
        running.play(scripts)

    print(f"seed: {SEED}")
    play()


def test_random_sequences_lose_no_request_and_leave_each_node_with_its_view(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with meshes(tmp_path_factory, Order.NEEDS) as running:
        played(running, (Phase.generate, Phase.shrink))
        assert sum(player.played for player in running.players) >= SEQUENCES


def test_control_an_order_that_looks_at_no_needs_loses_requests(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with meshes(tmp_path_factory, Order.AT_ONCE) as running:
        # A script that lost requests is played once more, and may lose none then: `Flaky`.
        with suppress(Lost, Flaky):
            played(running, (Phase.generate,))
        assert any(player.lost for player in running.players)

"""Large requests: one at a time, and no more bytes of them than may wait."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from meshctl.xds.heavy import Heavy
from meshctl.xds.limits import LIMITS, Overstepped
from tests.support.waiting import eventually

MIB = 1 << 20
FEW = replace(LIMITS, message=4 * MIB, waiting=8 * MIB)
SMALL = 1_000


class Peers:
    """Requests that are taken in when `release` is set, and what they came to."""

    def __init__(self, heavy: Heavy) -> None:
        self.heavy, self.release = heavy, asyncio.Event()
        self.taken: list[str] = []
        self.refused: list[str] = []
        self.together = 0

    async def send(self, host: str, size: int) -> None:
        try:
            async with self.heavy.turn(size, host):
                self.together += 1
                assert size == SMALL or self.together == 1, "one large request at a time"
                await self.release.wait()
                self.taken.append(host)
                self.together -= 1
        except Overstepped:
            self.refused.append(host)


async def settled(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await eventually(holds, "all requests wait, or are refused")


async def test_bytes_that_wait_are_limited_for_each_host_and_for_all() -> None:
    peers = Peers(Heavy(FEW))
    sent = [*["a"] * 20, *["b"] * 20, *["c"] * 20]
    waiting = [asyncio.create_task(peers.send(host, 2 * MIB)) for host in sent]
    await settled(lambda: len(peers.refused) == len(sent) - 4)
    assert peers.heavy.held == FEW.waiting
    peers.release.set()
    await asyncio.gather(*waiting)
    assert sorted(peers.taken) == ["a", "a", "b", "b"]
    assert peers.heavy.held == 0


async def test_small_requests_do_not_wait_for_large_ones() -> None:
    peers = Peers(Heavy(FEW))
    large = asyncio.create_task(peers.send("a", 4 * MIB))
    await settled(lambda: peers.heavy.held > 0)
    peers_of_small = Peers(peers.heavy)
    peers_of_small.release.set()
    await peers_of_small.send("a", SMALL)
    assert (peers_of_small.taken, peers.taken) == (["a"], [])
    peers.release.set()
    await large


async def test_place_of_who_leaves_while_it_waits_is_free_again() -> None:
    peers = Peers(Heavy(FEW))
    first = asyncio.create_task(peers.send("a", 2 * MIB))
    second = asyncio.create_task(peers.send("a", 2 * MIB))
    await settled(lambda: peers.heavy.held == FEW.message)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    third = asyncio.create_task(peers.send("a", 2 * MIB))
    peers.release.set()
    await asyncio.gather(first, third)
    assert (peers.taken, peers.refused, peers.heavy.held) == (["a", "a"], [], 0)

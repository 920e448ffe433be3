"""How long a change of the catalog keeps streams waiting: the longest gap between two turns of the loop.

    python -m bench.loop [SERVICES]

The mesh is that of bench/compile.py; a node of every service is connected, and says nothing, so that each
change of a hub's route begins a wave in every view. Each change is made twice: as the server makes it, beside
its streams, and in one go; a plan of an edit, and `apply --now` of what runs then, likewise. A ticker asks
for a turn each millisecond; gaps are in milliseconds, and what other processes take of the machine counts,
too.
"""

import asyncio
import gc
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from bench.compile import MESH, name, service_text
from meshctl.fleet.fleet import Fleet
from meshctl.fleet.node import Node
from meshctl.names import Role
from meshctl.operations.admit import read_sources
from meshctl.operations.proposal import propose
from meshctl.serve.background import skipped, taken_in
from meshctl.serve.collector import COLLECTOR
from meshctl.serve.publish import Publisher
from meshctl.serve.slices import finish
from meshctl.units import Duration

SERVICES = 5_000
_TICK_S = 0.001
_REST_S = 0.1

Texts = Mapping[str, bytes]


def published(services: int) -> Publisher:
    """A server's publisher, with a node of each service."""
    texts = {"mesh.yaml": MESH.encode()} | dict(_file(number, services) for number in range(services))
    gc.disable()
    publisher = Publisher(Fleet(), None, stale_limit=Duration.parse("1h"))
    publisher.begin(publisher.catalog.read(texts))
    for number in range(services):
        node = Node(f"{name(number)}@1", Role.SIDECAR, (name(number),), client="1.40")
        publisher.open(node, lambda: None)
    gc.collect()
    gc.freeze()
    gc.enable()
    return publisher


def changes(services: int, turn: int) -> Iterator[tuple[str, Texts]]:
    """What is changed in one turn, by name; other texts in each turn."""
    half = range(0, services, 2)
    yield "leaf", dict([_file(services // 2, services, endpoint=1 + turn)])
    yield "half", dict(_file(number, services, endpoint=11 + turn) for number in half)
    yield "hub endpoint", dict([_file(0, services, endpoint=21 + turn)])
    yield "hub host", dict([_file(0, services, endpoint=21 + turn, alias=f"hub{turn}.internal")])


def _file(number: int, services: int, *, endpoint: int = 0, alias: str = "") -> tuple[str, bytes]:
    text = service_text(number, services, endpoint=endpoint, alias=alias)
    return f"team/{name(number)}.yaml", text.encode()


class Ticker:
    """Asks for a turn of the loop, over and over; `longest` is what it had to wait for one, in ms."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.ensure_future(self._run())

    async def of(self, work: Awaitable[None]) -> float:
        """The longest gap while this is done."""
        await asyncio.sleep(_REST_S)
        self.longest = 0.0
        await work
        await asyncio.sleep(_TICK_S)
        return self.longest

    def stop(self) -> None:
        """Ask no more."""
        self._task.cancel()

    async def _run(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.perf_counter()
            self.longest = max(self.longest, 1000 * (now - last))
            last = now


async def _beside(publisher: Publisher, texts: Texts) -> None:
    await taken_in(texts, publisher)


async def _at_once(publisher: Publisher, texts: Texts) -> None:
    sources = await asyncio.to_thread(read_sources, texts)
    finish(publisher.settling(publisher.catalog.change(texts, sources)))


async def _planned_beside(publisher: Publisher, texts: Texts) -> None:
    with COLLECTOR.waits():
        basis = publisher.catalog.basis()
        await asyncio.to_thread(propose, basis, {**basis.admission.good, **texts})


async def _planned_at_once(publisher: Publisher, texts: Texts) -> None:
    basis = publisher.catalog.basis()
    propose(basis, {**basis.admission.good, **texts})


async def _skipped_beside(publisher: Publisher) -> None:
    await skipped(publisher, "bench")


async def _skipped_at_once(publisher: Publisher) -> None:
    finish(publisher.skipping(publisher.skippable(), "bench"))


Way = Callable[[Publisher, Texts], Awaitable[None]]
WAYS: Mapping[str, tuple[Way, Way, Callable[[Publisher], Awaitable[None]]]] = {
    "beside": (_beside, _planned_beside, _skipped_beside),
    "in one go": (_at_once, _planned_at_once, _skipped_at_once),
}
"""How a change is made, and a plan, and how waves are skipped."""


async def measure(services: int) -> dict[str, dict[str, tuple[float, float]]]:
    """For each change and way: how long it takes, and the longest gap, in ms."""
    publisher, ticker = published(services), Ticker()
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for turn, (way, (done, planned, skip)) in enumerate(WAYS.items()):
        works = [(change, done(publisher, texts)) for change, texts in changes(services, turn)]
        works.append(("plan", planned(publisher, dict([_file(2, services, endpoint=31)]))))
        works.append(("apply --now", skip(publisher)))
        for change, work in works:
            start = time.perf_counter()
            gap = await ticker.of(work)
            took = 1000 * (time.perf_counter() - start - _REST_S)
            found.setdefault(change, {})[way] = (took, gap)
    ticker.stop()
    return found


@contextmanager
def logged_to_nowhere() -> Iterator[None]:
    """Lines are made as for a log, and not kept."""
    handler = logging.FileHandler("/dev/null")
    logger = logging.getLogger("meshctl")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()


def main() -> None:
    """Print a row for each change, and the longest gap of all."""
    services = int(sys.argv[1]) if sys.argv[1:] else SERVICES
    with logged_to_nowhere():
        found = asyncio.run(measure(services))
    titles = [f"{way}: {figure}" for way in WAYS for figure in ("takes", "gap")]
    print(f"{services:,} services".ljust(16) + "".join(f"{title:>18}" for title in titles))
    for change, ways in found.items():
        figures = [figure for way in WAYS for figure in ways[way]]
        print(change.ljust(16) + "".join(f"{figure:>18,.1f}" for figure in figures))
    longest, whole = (max(ways[way][1] for ways in found.values()) for way in WAYS)
    print(f"longest gap: {longest:,.0f} ms; in one go {whole / longest:.1f} times as long")


if __name__ == "__main__":
    main()

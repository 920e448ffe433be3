"""What a server does beside answering: it follows the catalog, clears up, and begins the waves that are due.

May import the publisher, the watch and the metrics. A mistake of meshctl's own ends none of them: it is
logged and counted, and what was published stays.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing, suppress

from meshctl.operations.admit import read_sources
from meshctl.serve.collector import COLLECTOR
from meshctl.serve.metrics import Metrics
from meshctl.serve.publish import Publisher
from meshctl.serve.slices import sliced, whole
from meshctl.serve.watch import Watch

log = logging.getLogger(__name__)

_LARGE = 1_000
"""Of files and steps: what such a change makes stays, and looking through it for garbage would hold everybody
up for 200 ms, time and again. What garbage there is by then stays with it.
"""

_TEND_S = 60.0


async def follow(watch: Watch, publisher: Publisher, metrics: Metrics) -> None:
    """Publish what changes in the catalog, batch by batch."""
    async with aclosing(watch.batches()) as batches:
        async for batch in batches:
            try:
                with metrics.publish_seconds.time():
                    await whole(taken_in(batch, publisher))
            except Exception:
                metrics.failures.inc()
                log.exception("change not published: files=%r", ", ".join(batch))


async def taken_in(batch: Mapping[str, bytes | None], publisher: Publisher) -> None:
    """Publish one batch, beside what streams do: a branch may be thousands of files."""
    async with publisher.turn:
        with COLLECTOR.waits():
            made = await asyncio.to_thread(lambda: publisher.catalog.change(batch, read_sources(batch)))
            await _done(publisher.settling(made), len(batch))


async def skipped(publisher: Publisher, who: str) -> list[str]:
    """Give all nodes the newest, and say in which views; `who` is for the log."""
    async with publisher.turn:
        with COLLECTOR.waits():
            views = publisher.skippable()
            await _done(publisher.skipping(views, who))
    return views


async def _in_turn(publisher: Publisher, steps: Iterator[None]) -> None:
    async with publisher.turn:
        with COLLECTOR.waits():
            await _done(steps)


async def _done(steps: Iterator[None], files: int = 0) -> None:
    """Do all of it between others' turns; `files` is how many were read for it."""
    if await sliced(steps) + files > _LARGE:
        COLLECTOR.spare()


async def tend(publisher: Publisher, metrics: Metrics, tell_rest: Callable[[], None]) -> None:
    """Let go, each minute, of what no node needs any more, and write what the log was spared."""
    while True:
        await asyncio.sleep(_TEND_S)
        tell_rest()
        try:
            await whole(_in_turn(publisher, publisher.tending()))
        except Exception:
            metrics.failures.inc()
            log.exception("tending failed: revision=%d", publisher.standing.revision)


async def advance(publisher: Publisher, metrics: Metrics) -> None:
    """Begin and end waves: when something happened that may be a reason, and when time is one."""
    agenda = publisher.waves.agenda
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(agenda.deadline()):
                await agenda.stirred.wait()
        agenda.stirred.clear()
        try:
            await whole(_in_turn(publisher, publisher.advancing()))
        except Exception:
            metrics.failures.inc()
            log.exception("wave failed: revision=%d", publisher.standing.revision)

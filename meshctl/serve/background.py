"""What a server does beside answering: it follows the catalog, clears up, and begins the waves that are due.

May import the publisher, the watch and the metrics. A mistake of meshctl's own ends none of them: it is
logged and counted, and what was published stays.
"""

import asyncio
import logging
from contextlib import aclosing, suppress

from meshctl.operations.admit import read_sources
from meshctl.serve.metrics import Metrics
from meshctl.serve.publish import Publisher
from meshctl.serve.watch import Watch

log = logging.getLogger(__name__)

_TEND_S = 60.0  # how often what no node needs any more is let go


async def follow(watch: Watch, publisher: Publisher, metrics: Metrics) -> None:
    """Publish what changes in the catalog, batch by batch."""
    async with aclosing(watch.batches()) as batches:
        async for batch in batches:
            try:
                with metrics.publish_seconds.time():
                    # In a thread: a branch may be thousands of files, and streams go on meanwhile.
                    sources = await asyncio.to_thread(read_sources, batch)
                    publisher.change(batch, sources)
            except Exception:
                metrics.failures.inc()
                log.exception("change not published: files=%r", ", ".join(batch))


async def tend(publisher: Publisher, metrics: Metrics) -> None:
    """Let go, each minute, of what no node needs any more."""
    while True:
        await asyncio.sleep(_TEND_S)
        try:
            publisher.tend()
        except Exception:
            metrics.failures.inc()
            log.exception("tending failed: revision=%d", publisher.standing.revision)


async def advance(publisher: Publisher, metrics: Metrics) -> None:
    """Begin and end waves: when something happened that may be a reason, and when time is one."""
    waves, stirred = publisher.waves, asyncio.Event()
    waves.changed = stirred.set
    stirred.set()  # by what happened before
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(waves.deadline()):
                await stirred.wait()
        stirred.clear()
        try:
            publisher.advance()
        except Exception:
            metrics.failures.inc()
            log.exception("wave failed: revision=%d", publisher.standing.revision)

"""Waiting in tests: for a condition with a limit, and for the next beat of a rhythm."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from meshctl.verify.polling import until

LIMIT_S = 40.0
"""Far beyond what anything was seen to take on a busy machine: a limit, not an expectation."""


async def eventually(probe: Callable[[], Awaitable[bool]], what: str, limit_s: float = LIMIT_S) -> None:
    """Return as soon as `probe` answers True. Raises AssertionError with `what` after `limit_s` seconds."""
    try:
        async with asyncio.timeout(limit_s):
            await until(probe)
    except TimeoutError:
        raise AssertionError(f"after {limit_s:g} s still not: {what}") from None


async def pause(seconds: float) -> None:
    """Let time pass where its length is what is tested; what can be waited for is waited for."""
    await asyncio.sleep(seconds)


async def beats(number: int, every_s: float) -> AsyncIterator[int]:
    """The numbers from 0, one every `every_s` seconds, at once where the loop's body took longer."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for beat in range(number):
        due: asyncio.Future[None] = loop.create_future()
        loop.call_at(began + beat * every_s, due.set_result, None)
        await due
        yield beat

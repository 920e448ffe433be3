"""Long work on the event loop, in small steps with everybody else's turns between them.

Imports asyncio. What decides by what nodes do now is done so, since nothing changes within a step; what only
computes, in a thread.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterator
from typing import TypeVar

T = TypeVar("T")

_STEPS = 32
"""In one turn. A step is a view or a stream; a stream that is woken has work for about 1 ms."""


def finish(steps: Iterator[None]) -> None:
    """Do all of it at once."""
    deque(steps, maxlen=0)


async def sliced(steps: Iterator[None]) -> int:
    """Do all of it, let everybody else have a turn after each few steps, and say how many there were."""
    number = 0
    for number, _ in enumerate(steps, start=1):
        if number % _STEPS == 0:
            await asyncio.sleep(0)
    return number


async def whole(work: Coroutine[None, None, T]) -> T:
    """Do it to its end, also where it is cancelled: half a change is worse than a late one."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    finally:
        await asyncio.wait([task])

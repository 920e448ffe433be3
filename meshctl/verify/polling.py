"""Waiting for what can only be asked for, such as the readiness of another process.

Imports the standard library only.
"""

import asyncio
from collections.abc import Awaitable, Callable

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.1


async def until(probe: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as `probe` answers True; it is asked again with pauses of 5 ms growing to 100 ms.

    Has no limit of its own: wrap it in `asyncio.timeout`.
    """
    pause_s = _FIRST_PAUSE_S
    while not await probe():
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)

"""Whose turn it is to change what is published, and what others want done meanwhile.

Imports asyncio.
"""

import asyncio
from collections.abc import Callable

Work = Callable[[], None]


class Turn:
    """One at a time: whoever changes what is published, or reads what a change would show half made.

    Streams do not wait for it: what they want of the compiler meanwhile is put off. `publish` is to call
    `catch_up`, and then to publish what changed. `number`: of the turn that goes on, or was the last; from 1.
    """

    def __init__(self, publish: Work) -> None:
        self._lock, self._publish = asyncio.Lock(), publish
        self._later: list[Work] = []
        self.number = 0

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        self.number += 1

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._later:
                self._publish()
        finally:
            self._lock.release()

    @property
    def goes_on(self) -> bool:
        """Whether it is somebody's turn."""
        return self._lock.locked()

    def have_done(self, work: Work) -> None:
        """Have this done and published: at once, or with the next publication where it is somebody's turn."""
        self._later.append(work)
        if not self.goes_on:
            self._publish()

    def catch_up(self) -> None:
        """Do what was put off."""
        later, self._later = self._later, []
        for work in later:
            work()

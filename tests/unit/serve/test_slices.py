"""Long work on the event loop: others have their turn, and nothing is left half done."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from meshctl.serve.slices import finish, sliced, whole


class Steps:
    """A piece of work that counts its steps."""

    def __init__(self, number: int) -> None:
        self.number, self.done = number, 0

    def run(self) -> Iterator[None]:
        for _ in range(self.number):
            self.done += 1
            yield


async def test_others_have_their_turns_while_long_work_is_done() -> None:
    work, seen = Steps(1_000), []

    async def other() -> None:
        while work.done < work.number:
            seen.append(work.done)
            await asyncio.sleep(0)

    watching = asyncio.create_task(other())
    assert await sliced(work.run()) == work.number
    await watching
    assert len(seen) > work.number / 100
    assert max(later - earlier for earlier, later in pairwise(seen)) <= work.number / 10


def test_work_is_done_at_once_where_nobody_waits() -> None:
    work = Steps(1_000)
    finish(work.run())
    assert work.done == work.number


async def test_work_that_is_cancelled_is_done_to_its_end() -> None:
    work, begun = Steps(1_000), asyncio.Event()

    async def run() -> int:
        begun.set()
        return await sliced(work.run())

    task = asyncio.create_task(whole(run()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.done == work.number

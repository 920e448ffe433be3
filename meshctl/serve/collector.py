"""The garbage collector, which holds everybody up while it looks: it waits while much is made, and stays.

Imports gc.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


class Collector:
    """Python's collector, as it is used by one process."""

    def __init__(self) -> None:
        self._waiting_for = 0

    @contextmanager
    def waits(self) -> Iterator[None]:
        """Nothing is collected for as long as the block lasts, and others like it beside it."""
        self._waiting_for += 1
        gc.disable()
        try:
            yield
        finally:
            self._waiting_for -= 1
            if not self._waiting_for:
                gc.enable()

    def spare(self) -> None:
        """What there is now stays, and is never looked through again; the garbage in it, too."""
        gc.freeze()


COLLECTOR = Collector()
"""There is one in a process."""

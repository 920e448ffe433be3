"""A disk without space, for tests that may not mount one."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

_BYTES = 16 << 10
"""Enough for a few lines of a log, too little for a table."""


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process grows beyond some kilobytes while the block lasts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

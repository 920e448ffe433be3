"""Whether what a folder says is what a server serves: what `apply` waits for first.

May import its neighbour. Pure: the server's answer comes in, and what differs comes out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from meshctl.operations.admit import ReadEntry, content_hash


@dataclass(frozen=True, slots=True)
class Served:
    """How far a server is with a folder's content. Both empty: it serves exactly that.

    `different`: files that the server has otherwise, or not, or more than the folder; `held`: files that it
    read and does not serve.
    """

    different: Sequence[str] = ()
    held: Sequence[str] = ()


def served(texts: Mapping[str, bytes], entries: Iterable[ReadEntry]) -> Served:
    """How far the server that read these entries is with these files."""
    known = {one.file: one for one in entries}
    wanted = {file: content_hash(text) for file, text in texts.items()}
    read = {file: one.hash for file, one in known.items() if one.hash}
    return Served(
        different=sorted(file for file in {**wanted, **read} if wanted.get(file) != read.get(file)),
        held=sorted(file for file, one in known.items() if not one.served),
    )

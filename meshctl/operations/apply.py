"""Whether what a folder says is what a server serves, and everybody has it: what `apply` waits for.

May import its neighbour. Pure: the server's answers come in, and what is to be done or told comes out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from meshctl.operations.admit import ReadEntry, content_hash


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a folder's content is. All empty: every connected node has it.

    `different`: files that the server has otherwise, or not, or more than the folder; `held`: files that it
    read and does not serve; `stopped` and `waiting`: nodes and waves, in words.
    """

    different: Sequence[str] = ()
    held: Sequence[str] = ()
    stopped: Sequence[str] = ()
    waiting: Sequence[str] = ()


def progress(
    texts: Mapping[str, bytes],
    served: Iterable[ReadEntry],
    stopped: Sequence[str] = (),
    waiting: Sequence[str] = (),
) -> Progress:
    """How far the server is with these files, whose nodes and waves have stopped or are waited for."""
    known = {one.file: one for one in served}
    wanted = {file: content_hash(text) for file, text in texts.items()}
    read = {file: one.hash for file, one in known.items() if one.hash}
    return Progress(
        different=sorted(file for file in {**wanted, **read} if wanted.get(file) != read.get(file)),
        held=sorted(file for file, one in known.items() if not one.served),
        stopped=stopped,
        waiting=waiting,
    )

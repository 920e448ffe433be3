"""What streams are given: the contract of whoever makes views, and hands the newest of them out.

May import `snapshot` and `fleet`.
"""

from collections.abc import Callable
from typing import Protocol

from meshctl.fleet.node import Node
from meshctl.fleet.tally import Version
from meshctl.snapshot import ViewSnapshot


class NotLoadedError(Exception):
    """Nothing can be served yet; the client shall try again."""


class Seat(Protocol):
    """One stream's place among those that views are published to."""

    @property
    def provisional(self) -> bool:
        """Whether the view is an older one, so that only a node which holds nothing may have it."""

    def view(self) -> ViewSnapshot | None:
        """What the node shall hold now; None while nothing is declared for it."""

    @property
    def has_turn(self) -> bool:
        """Whether the node may look for a culprit that no refusal names: one of a view at a time."""

    def is_found(self, version: Version) -> bool:
        """Whether another node of the view found that it refuses this."""

    def tell(self, refused: frozenset[Version], *, in_doubt: bool) -> None:
        """What the node refuses now, and whether it would look for more; `wake` follows when it may go on."""

    def close(self) -> None:
        """The stream has ended."""


class Views(Protocol):
    """Where streams get their views from."""

    def open(self, node: Node, wake: Callable[[], None]) -> Seat:
        """A new stream's seat. `wake` is called whenever its view may have changed.

        Raises NotLoadedError while there is nothing to serve.
        """

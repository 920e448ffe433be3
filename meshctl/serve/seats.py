"""Who is waiting for which view: the streams' seats.

May import the snapshot, the fleet's searches and names.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from meshctl.fleet.search import Search
from meshctl.fleet.tally import Version
from meshctl.names import ViewKey
from meshctl.snapshot import ALIKE, ViewSnapshot

Wake = Callable[[], None]


@dataclass(eq=False, slots=True)
class Post:
    """One view that is wanted: by nodes that are connected now, or lately were (`left_at`: until when).

    `view` is what those have that no wave has reached, `led` what those have that lead; the same object
    where nothing runs. `sick`: connected nodes that refused something, or hang.
    `search`: for culprits that no refusal names. `turn`: the number of the turn in which it came, 0: in none.
    """

    key: ViewKey
    left_at: float | None = None
    view: ViewSnapshot | None = None
    led: ViewSnapshot | None = None
    seats: "dict[Seat, None]" = field(default_factory=dict)
    sick: set[str] = field(default_factory=set)
    search: "Search[Seat]" = field(default_factory=Search)
    turn: int = 0

    def take(self, newest: ViewSnapshot | None) -> None:
        """The view as it was published last."""
        self.view = self.led = newest
        contents = ALIKE if newest is None else newest.view.contents
        if newest is not None and (contents.running or contents.held):
            self.view = self.led = newest.under(contents.waiting)
            if contents.running:
                self.led = newest.under(contents.led)

    def view_of(self, node: str) -> ViewSnapshot | None:
        """What a node, by its id, shall hold."""
        return self.led if self.led is not None and node in self.led.view.contents.leaders else self.view


class Seat:
    """One stream's place: it is woken when its view changes, and asks for it then."""

    def __init__(
        self,
        post: Post,
        node: str,
        wake: Wake,
        is_provisional: Callable[[], bool],
        left: "Callable[[Post, Seat], None]",
    ) -> None:
        """`node` is the id of who sits there; `left` is told when the seat has been closed."""
        self.node = node
        self._post, self._wake = post, wake
        self._is_provisional, self._left = is_provisional, left
        post.seats[self] = None
        post.left_at = None

    @property
    def provisional(self) -> bool:
        """Whether the view is that of an older run, and only for a node that holds nothing."""
        return self._is_provisional()

    def view(self) -> ViewSnapshot | None:
        """What the node shall hold now: the same object until it changes; None if nothing is declared."""
        return self._post.view_of(self.node)

    @property
    def has_turn(self) -> bool:
        """Whether the node may look for a culprit that no refusal names: one of a view at a time."""
        return self._post.search.has_turn(self)

    def is_found(self, version: Version) -> bool:
        """Whether another node of the view found that it refuses this."""
        return self._post.search.is_found(version)

    def tell(self, refused: frozenset[Version], *, in_doubt: bool) -> None:
        """What the node refuses now, and whether it would look for more; those who may go on are woken."""
        for seat in self._post.search.tell(self, refused, in_doubt=in_doubt):
            seat.wake()

    def wake(self) -> None:
        """Say that the view may have changed."""
        self._wake()

    def close(self) -> None:
        """The stream has ended, and is let go of: in a circle it would stay until the collector comes."""
        self._wake = _nobody
        if self._post.seats.pop(self, self) is None:
            for seat in self._post.search.leave(self):
                seat.wake()
            self._left(self._post, self)


def _nobody() -> None:
    return None

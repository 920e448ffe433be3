"""Who is waiting for which view: the streams' seats, and who must be woken when a snapshot is published.

May import the snapshot, the fleet's nodes and names. Waking costs what changed: an index leads from a
resource to the views that hold it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from meshctl.fleet.search import Search
from meshctl.fleet.tally import Version
from meshctl.names import ResourceKey, ViewKey
from meshctl.snapshot import ALIKE, Snapshot, View, ViewSnapshot, moved_keys

Wake = Callable[[], None]


@dataclass(eq=False, slots=True)
class Post:
    """One view that is wanted: by nodes that are connected now, or lately were (`left_at`: until when).

    `view` is what those have that no wave has reached, `led` what those have that lead; the same object
    where nothing runs. `sick`: connected nodes that refused something, or hang.
    `search`: for culprits that no refusal names.
    """

    key: ViewKey
    left_at: float | None = None
    view: ViewSnapshot | None = None
    led: ViewSnapshot | None = None
    seats: "dict[Seat, None]" = field(default_factory=dict)
    sick: set[str] = field(default_factory=set)
    search: "Search[Seat]" = field(default_factory=Search)

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
        """The stream has ended."""
        if self._post.seats.pop(self, self) is None:
            for seat in self._post.search.leave(self):
                seat.wake()
            self._left(self._post, self)


class Posts:
    """All views that are wanted, by name, each as it was published last."""

    def __init__(self) -> None:
        self._posts: dict[str, Post] = {}
        self._holders: dict[ResourceKey, dict[str, None]] = {}
        self._views: dict[str, View] = {}
        self._revision = 0

    def __iter__(self) -> Iterator[Post]:
        return iter(tuple(self._posts.values()))

    def get(self, key: ViewKey) -> Post | None:
        """The post of this view, if it is wanted."""
        return self._posts.get(key.name)

    def named(self, view: str) -> Post | None:
        """The post of the view of this name, if it is wanted."""
        return self._posts.get(view)

    def holders(self, key: ResourceKey) -> Collection[str]:
        """The names of the wanted views that hold a resource."""
        return self._holders.get(key, {}).keys()

    def add(self, post: Post, snapshot: Snapshot) -> None:
        """A view is wanted from now on; `snapshot` is what was published last."""
        self._posts[post.key.name] = post
        self._take(post, snapshot)

    def remove(self, post: Post) -> None:
        """A view is no longer wanted."""
        del self._posts[post.key.name]
        self._index(post.key.name, None)

    def publishing(self, snapshot: Snapshot) -> Iterator[None]:
        """Give out a new snapshot: wake those seats whose view it changed, a step each."""
        for name in self._concerned(snapshot):
            post = self._posts.get(name)
            if post is not None:
                self._take(post, snapshot)
                for seat in tuple(post.seats):
                    seat.wake()
                    yield
        self._revision = snapshot.revision

    def wake_all(self) -> None:
        """Wake everybody: how views are given has changed, not what is in them."""
        for post in self:
            for seat in tuple(post.seats):
                seat.wake()

    def _concerned(self, snapshot: Snapshot) -> Iterable[str]:
        changes = snapshot.changes(self._revision)
        if changes is None:
            return list(self._posts)
        names: dict[str, None] = {}
        for change in changes:
            names.update(dict.fromkeys(change.views))
            for key in change.resources:
                names.update(self._holders.get(key, {}))
        return names

    def _take(self, post: Post, snapshot: Snapshot) -> None:
        newest = snapshot.view(post.key.name)
        post.take(newest)
        self._index(post.key.name, None if newest is None else newest.view)

    def _index(self, name: str, view: View | None) -> None:
        old = self._views.pop(name, None)
        if view is not None:
            self._views[name] = view
        for before, after in moved_keys(old, view).values():
            if before is not None:
                holders = self._holders[before]
                del holders[name]
                if not holders:
                    del self._holders[before]
            if after is not None:
                self._holders.setdefault(after, {})[name] = None

"""All views that are wanted: who must be woken when a snapshot is published.

May import the seats beside it, the snapshot and names. Waking costs what changed: an index leads from a
resource to the views that hold it.
"""

from collections.abc import Collection, Iterable, Iterator

from meshctl.names import ResourceKey, ViewKey
from meshctl.serve.seats import Post
from meshctl.serve.variants import Variants
from meshctl.snapshot import Snapshot, View, moved_keys


class Posts:
    """All views that are wanted, by name, each as it was published last."""

    def __init__(self) -> None:
        self._posts: dict[str, Post] = {}
        self._variants = Variants()
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

    def spare(self, key: ViewKey) -> Post | None:
        """What has to go before a view of this key may come. Raises Overstepped where all are in use."""
        return self._variants.spare(key)

    def add(self, post: Post, snapshot: Snapshot) -> None:
        """A view is wanted from now on; `snapshot` is what was published last."""
        self._posts[post.key.name] = post
        self._variants.add(post)
        self._take(post, snapshot)

    def remove(self, post: Post) -> None:
        """A view is no longer wanted."""
        del self._posts[post.key.name]
        self._variants.remove(post)
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

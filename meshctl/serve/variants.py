"""How many views of one target there may be: a node chooses its own, and each is kept for an hour.

May import the seats beside it and the limits of `xds`.
"""

from meshctl.names import ViewKey
from meshctl.serve.seats import Post
from meshctl.xds.limits import Overstepped, StreamEnd

MOST = 256
"""Views of one target: releases of Envoy, egress addresses, and what else runs on the same machine."""


class Variants:
    """The posts by their first target."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._posts: dict[str, dict[str, Post]] = {}

    def add(self, post: Post) -> None:
        """A view is wanted."""
        self._posts.setdefault(post.key.targets[0], {})[post.key.name] = post

    def remove(self, post: Post) -> None:
        """A view is wanted no longer."""
        posts = self._posts[post.key.targets[0]]
        del posts[post.key.name]
        if not posts:
            del self._posts[post.key.targets[0]]

    def spare(self, key: ViewKey) -> Post | None:
        """What has to go before a view of this key may come: the one that was left longest ago.

        None if there is room. Raises Overstepped where all are in use.
        """
        posts = self._posts.get(key.targets[0], {})
        if len(posts) < self._most:
            return None
        idle = [(post.left_at, name) for name, post in posts.items() if post.left_at is not None]
        if not idle:
            words = f"nodes of {key.targets[0]!r} have {len(posts)} different views, which are the most"
            raise Overstepped(StreamEnd.VIEWS, words)
        return posts[min(idle)[1]]

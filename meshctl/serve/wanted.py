"""The views that nodes want: they come with the first stream, and go an hour after the last one.

May import the compiler, the fleet's nodes, names, and its neighbours.
"""

from collections.abc import Callable
from functools import partial

from meshctl.envoy.bootstrap import is_ip, parse_address
from meshctl.fleet.fleet import REMEMBERED
from meshctl.names import ViewKey
from meshctl.operations.compile import Compiler
from meshctl.serve.posts import Posts
from meshctl.serve.seats import Post
from meshctl.serve.tombstones import Tombstones
from meshctl.serve.turn import Turn


class Wanted:
    """Has the compiler compile what has a post. `are_compiled`: before that, posts have an older run's views.

    `now` is the clock of the streams, in seconds.
    """

    def __init__(
        self,
        posts: Posts,
        compiler: Compiler,
        turn: Turn,
        tombstones: Tombstones,
        now: Callable[[], float],
    ) -> None:
        self.are_compiled = False
        self._posts, self._compiler, self._turn = posts, compiler, turn
        self._tombstones, self._now = tombstones, now
        self._started = now()

    def compile(self) -> None:
        """From now on; with them the views that nodes had before the restart."""
        self.are_compiled = True
        for name in self._compiler.snapshot.views:
            key = ViewKey.parse(name)
            if self._posts.get(key) is None:
                self._posts.add(Post(key, left_at=self._started), self._compiler.snapshot)
        for post in self._posts:
            self._compiler.open(post.key)

    def keys(self) -> tuple[ViewKey, ...]:
        """All of them."""
        return tuple(post.key for post in self._posts)

    def post(self, key: ViewKey) -> Post:
        """The post of a view; if it is a new one, the view is compiled.

        Raises ValueError for a key of which no view can be made, and Overstepped where its service has too
        many different ones.
        """
        return self._posts.get(_checked(key)) or self._new(key)

    def is_coming(self, key: ViewKey) -> bool:
        """Whether a view is wanted since the turn that goes on, at whose end it is published."""
        post = self._posts.get(key)
        came = post is not None and post.view is None and post.turn == self._turn.number
        return came and self.are_compiled and self._turn.goes_on

    def left(self, post: Post) -> None:
        """A stream ended that had a seat there."""
        if post.seats:
            return
        post.left_at = self._now()
        if post.view is None:  # nothing that a node could hold, or come back for
            self._drop(post)

    def tend(self) -> None:
        """Let go of views and tombstones that no node of the last hour needs; to be called every minute.

        Within a turn; what it changes is to be published.
        """
        now = self._now()
        for post in self._posts:
            if not post.seats and post.left_at is not None and now - post.left_at >= REMEMBERED:
                self._drop(post)
        if self.are_compiled:
            views = (post.key.name for post in self._posts)
            self._compiler.forget(self._tombstones.passed(views, self._compiler.snapshot.revision, now))

    def _new(self, key: ViewKey) -> Post:
        if (spare := self._posts.spare(key)) is not None:
            self._drop(spare)
        post = Post(key, turn=self._turn.number if self._turn.goes_on else 0)
        if self.are_compiled:
            self._turn.have_done(partial(self._compiler.open, key))
        self._posts.add(post, self._compiler.snapshot)
        return post

    def _drop(self, post: Post) -> None:
        self._posts.remove(post)
        if self.are_compiled:
            self._turn.have_done(partial(self._compiler.close, post.key))


def _checked(key: ViewKey) -> ViewKey:
    """The key, if it is one that can be named, compiled and kept.

    A node says it of itself. What fails later would leave half a view in the snapshot, and so a state on disk
    that the next start cannot read.
    """
    if any("+" in target for target in key.targets):
        raise ValueError(f"its services are no names: {', '.join(key.targets)}")
    if key.egress and not is_ip(parse_address(key.egress)[0]):
        raise ValueError(f"{key.egress!r} is not IP:PORT")
    if key.ingress and not is_ip(key.ingress):
        raise ValueError(f"{key.ingress!r} is not an IP address")
    return key

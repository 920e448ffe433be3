"""Views for tests of the shell: one for everybody, with seats that can be counted."""

import asyncio
from collections.abc import Callable

from meshctl.fleet.node import Node
from meshctl.fleet.tally import Version
from meshctl.snapshot import Resource, ViewSnapshot
from meshctl.xds.views import NotLoadedError
from tests.support.xds_world import Published, cluster


class Seat:
    """A place that shows whatever is published. Each node looks for culprits by itself."""

    has_turn = True

    def __init__(self, views: "Views", wake: Callable[[], None]) -> None:
        self._views, self.wake = views, wake

    @property
    def provisional(self) -> bool:
        return self._views.provisional

    def view(self) -> ViewSnapshot | None:
        return self._views.current

    def is_found(self, version: Version) -> bool:
        return False

    def tell(self, refused: frozenset[Version], *, in_doubt: bool) -> None:
        pass

    def close(self) -> None:
        self._views.seats.remove(self)


class Views:
    """One view for everybody."""

    def __init__(self) -> None:
        self.world, self.seats, self.nodes = Published(), list[Seat](), list[Node]()
        self.loaded, self.provisional = True, False
        self.current: ViewSnapshot | None = None  # the same object until it changes
        self.opened = asyncio.Event()

    def open(self, node: Node, wake: Callable[[], None]) -> Seat:
        if not self.loaded:
            raise NotLoadedError
        self.nodes.append(node)
        self.seats.append(Seat(self, wake))
        self.opened.set()
        return self.seats[-1]

    def publish(self, generation: int) -> None:
        self.put(cluster("a/v1", generation))

    def put(self, *resources: Resource) -> None:
        """The view holds exactly these from now on."""
        self.current = self.world.publish(resources)
        for seat in self.seats:
            seat.wake()

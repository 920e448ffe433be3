"""One gRPC stream: bytes in and out, and the clock; everything it decides is in `Stream`.

May import `snapshot`, `fleet`, `names`, asyncio, grpc and protobuf. Reading and writing are two tasks, so
that a client which does not read delays nobody and gets the newest state when it does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

import grpc

from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus
from meshctl.fleet.node import Node
from meshctl.snapshot import ViewSnapshot
from meshctl.xds import delta, sotw
from meshctl.xds.events import Dialect, Send
from meshctl.xds.identity import Incoming, node_of
from meshctl.xds.inventory import Inventory
from meshctl.xds.ordering import Ordering
from meshctl.xds.stream import Stream


class NotLoadedError(Exception):
    """Nothing can be served yet; the client shall try again."""


class Seat(Protocol):
    """One stream's place among those that views are published to."""

    @property
    def provisional(self) -> bool:
        """Whether the view is an older one, so that only a node which holds nothing may have it."""

    def view(self) -> ViewSnapshot | None:
        """What the node shall hold now; None while nothing is declared for it."""

    def close(self) -> None:
        """The stream has ended."""


class Views(Protocol):
    """Where streams get their views from."""

    def open(self, node: Node, wake: Callable[[], None]) -> Seat:
        """A new stream's seat. `wake` is called whenever its view may have changed.

        Raises NotLoadedError while there is nothing to serve.
        """


class RefusedError(Exception):
    """The stream ends with this status."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code, self.details = code, details


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of the protocol as the shell sees it: bytes to requests, answers to bytes."""

    name: str
    dialect: Dialect
    decode: Callable[[bytes], Incoming]
    encode: Callable[[Send, str], bytes]


class Session:
    """One client from its first request to its last."""

    def __init__(self, variant: Variant, views: Views, fleet: Fleet, ordering: Ordering, server: str) -> None:
        self._variant, self._views, self._fleet = variant, views, fleet
        self._ordering, self._server = ordering, server
        self._wake = asyncio.Event()
        self._closing = False
        self._stream: Stream | None = None
        self._seat: Seat | None = None
        self._number = 0
        self._state: NodeState | None = None
        self._state_since = 0.0
        self._asked: set[str] = set()
        self._published: ViewSnapshot | None = None
        self._due: float | None = None  # when the stream was woken first since its last turn

    def close(self) -> None:
        """End the stream soon; the client will open another one."""
        self._closing = True
        self._wake.set()

    @property
    def node(self) -> Node | None:
        """Who is at the other end; None before the first request."""
        return None if self._stream is None else self._stream.node

    def inventory(self, *, waiting: bool = False) -> Inventory | None:
        """What the node has and shall have, or only what waits; None before its first request."""
        return None if self._stream is None else self._stream.inventory(waiting=waiting)

    async def run(self, requests: AsyncIterator[bytes], write: Callable[[bytes], Awaitable[None]]) -> None:
        """Serve until the client leaves or `close`. Raises RefusedError where the stream must fail."""
        reader = asyncio.create_task(self._read(requests))
        reader.add_done_callback(lambda _: self._wake.set())
        try:
            while not self._closing and not reader.done():
                await self._turn(write)
            if reader.done():
                reader.result()
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError, RefusedError):
                await reader
            self._leave()

    def _published_now(self) -> None:
        self._due = _now() if self._due is None else self._due
        self._wake.set()

    async def _read(self, requests: AsyncIterator[bytes]) -> None:
        async for data in requests:
            incoming = self._variant.decode(data)
            if not incoming.request.type:
                raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, "type_url is required on an ADS stream")
            stream = self._stream or self._enter(incoming)
            self._check_state(incoming)
            stream.receive(incoming.request, _now())
            self._wake.set()

    def _enter(self, incoming: Incoming) -> Stream:
        if not incoming.node.id:
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, "the first request must say node.id")
        try:
            node = node_of(incoming.node)
            self._seat = self._views.open(node, self._published_now)
        except ValueError as error:
            raise RefusedError(grpc.StatusCode.INVALID_ARGUMENT, f"node: {error}") from error
        except NotLoadedError as error:
            details = str(error) or "nothing is loaded yet"
            raise RefusedError(grpc.StatusCode.UNAVAILABLE, details) from error
        now = _now()
        self._stream = Stream(node, ordering=self._ordering, dialect=self._variant.dialect, now=now)
        self._number = self._fleet.connect(self._status(self._stream, now))
        return self._stream

    def _check_state(self, incoming: Incoming) -> None:
        """A node that holds something keeps it, rather than go back to what was last good."""
        first = incoming.request.type not in self._asked
        self._asked.add(incoming.request.type)
        provisional = self._seat is not None and self._seat.provisional
        if first and provisional and incoming.holds_state:
            raise RefusedError(
                grpc.StatusCode.UNAVAILABLE, "only an older state is loaded; keep what you have"
            )

    async def _turn(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._wake.clear()
        for send in self._advance():
            await write(self._variant.encode(send, self._server))
        deadline = None if self._stream is None else self._stream.deadline()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._wake.wait()

    def _advance(self) -> list[Send]:
        stream, seat = self._stream, self._seat
        if stream is None or seat is None:
            return []
        now, view = _now(), seat.view()
        due, self._due = self._due, None  # a wake that changed nothing ages no change
        if view is not None and view is not self._published:
            self._published = view
            stream.publish(view, now, due)
        else:
            stream.tick(now)
        sends = stream.take_effects()
        self._fleet.update(self._number, self._status(stream, now))
        return sends

    def _status(self, stream: Stream, now: float) -> NodeStatus:
        """What the fleet is told: also the view that the node would have, and since when it is so."""
        status = stream.status(now)
        if self._state is not status.state:
            self._state, self._state_since = status.state, now
        view = status.view or stream.node.view
        return replace(status, view=view, protocol=self._variant.name, state_since=self._state_since)

    def _leave(self) -> None:
        if self._seat is not None:
            self._seat.close()
        if self._stream is not None:
            self._fleet.disconnect(self._number, _now())


def _now() -> float:
    return asyncio.get_running_loop().time()


DELTA = Variant("delta", delta.DIALECT, delta.decode, delta.encode)
SOTW = Variant("sotw", sotw.DIALECT, sotw.decode, sotw.encode)

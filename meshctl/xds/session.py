"""One gRPC stream: bytes in and out, and the clock; everything it decides is in `Stream`.

May import `snapshot`, `fleet`, `names`, and asyncio. Reading and writing are two tasks, so
that a client which does not read delays nobody and gets the newest state when it does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus
from meshctl.fleet.node import Node
from meshctl.names import Ref
from meshctl.snapshot import ViewSnapshot
from meshctl.xds import delta, sotw
from meshctl.xds.admission import Bucket
from meshctl.xds.events import Dialect, Send
from meshctl.xds.heavy import Heavy
from meshctl.xds.holding import Holding
from meshctl.xds.identity import Incoming, is_introduced, node_of
from meshctl.xds.inventory import Inventory
from meshctl.xds.limits import LIMITS, Limits, Overstepped, StreamEnd
from meshctl.xds.ordering import Ordering
from meshctl.xds.stream import Stream
from meshctl.xds.types import TYPES
from meshctl.xds.views import NotLoadedError, Seat, Views
from meshctl.xds.wire import Garbled, Layout

_LAST_WRITE_S = 2.0
"""How long an answer may still take to leave when its stream is to end. gRPC sends no status after a write
that was cancelled: the client of an answer that is about to leave would wait on a stream that nobody serves.
"""


@contextmanager
def _told() -> Iterator[None]:
    """Bytes that are no request, and a node that is none, end the stream with words that say so."""
    try:
        yield
    except Garbled as error:
        raise Overstepped(StreamEnd.MALFORMED, f"the request is no discovery request: {error}") from None
    except ValueError as error:
        raise Overstepped(StreamEnd.MALFORMED, f"node: {error}") from error


def _nobody(_session: "Session", _node: Node) -> None:
    """Told of who the client is, and does nothing with it."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of the protocol as the shell sees it: bytes to requests, answers to bytes."""

    name: str
    dialect: Dialect
    layout: Layout
    decode: Callable[[bytes, Limits], Incoming]
    encode: Callable[[Send, str], bytes]


@dataclass(frozen=True, slots=True)
class Host:
    """What all sessions of one server share; `identifier` is what clients are told of who speaks."""

    views: Views
    fleet: Fleet
    ordering: Ordering
    identifier: str
    limits: Limits = LIMITS
    heavy: Heavy = field(default_factory=Heavy)


class Session:
    """One client from its first request to its last."""

    def __init__(
        self,
        variant: Variant,
        host: Host,
        entered: Callable[["Session", Node], None] = _nobody,
        peer: str = "",
    ) -> None:
        """`entered` is told who the client is; `peer` is the machine that it is on."""
        self._peer = peer
        self._variant, self._host, self._limits, self._entered = variant, host, host.limits, entered
        self._wake = asyncio.Event()
        self._closing = False
        self._cut: Overstepped | None = None
        self._writing: asyncio.Timeout | None = None
        self._opened = _now()
        self._stream: Stream | None = None
        self._seat: Seat | None = None
        self._number = 0
        self._state: NodeState | None = None
        self._state_since = 0.0
        self._asked: set[str] = set()
        self._pace = Bucket(host.limits.request_rate, host.limits.request_burst)
        self._published: ViewSnapshot | None = None
        self._due: float | None = None  # when the stream was woken first since its last turn

    @property
    def node(self) -> Node | None:
        """Who the client is; None until it has said so."""
        return None if self._stream is None else self._stream.node

    def close(self, cut: Overstepped | None = None) -> None:
        """End the stream soon, whether or not the client reads; `cut`: with this said of why."""
        self._closing, self._cut = True, cut
        self._wake.set()
        if self._writing is not None:
            self._writing.reschedule(_now() + _LAST_WRITE_S)

    def inventory(self, *, waiting: bool = False) -> Inventory | None:
        """What the node has and shall have, or only what waits; None before its first request."""
        return None if self._stream is None else self._stream.inventory(waiting=waiting)

    def holding(self, ref: Ref) -> Holding | None:
        """What the node has, or may have, under a name; None: surely nothing."""
        return None if self._stream is None else self._stream.holding(ref)

    async def run(self, requests: AsyncIterator[bytes], write: Callable[[bytes], Awaitable[None]]) -> None:
        """Serve until the client leaves or `close`. Raises Overstepped where the stream must fail."""
        reader = asyncio.create_task(self._read(requests))
        reader.add_done_callback(lambda _: self._wake.set())
        try:
            while not self._closing and not reader.done():
                await self._turn(write)
            if reader.done():
                reader.result()
            if self._cut is not None:
                raise self._cut
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError, Overstepped):
                await reader
            self._leave()

    def _published_now(self) -> None:
        self._due = _now() if self._due is None else self._due
        self._wake.set()

    async def _read(self, requests: AsyncIterator[bytes]) -> None:
        async for data in requests:
            self._check_known(data)
            async with self._host.heavy.turn(len(data), self._peer):
                weight = self._receive(data)
            # Who asks for a lot is read more slowly, so that the others are not.
            if wait := self._pace.take(self._limits.request_cost + weight, _now()):
                await asyncio.sleep(wait)

    def _receive(self, data: bytes) -> int:
        """Take in a request; returns how many names it said."""
        incoming = self._decode(data)
        stream = self._stream or self._enter(incoming)
        self._check_state(incoming)
        stream.receive(incoming.request, _now())
        if stream.asked > self._limits.names:
            words = f"{stream.asked} names asked for; {self._limits.names} are the most on one stream"
            raise Overstepped(StreamEnd.NAMES, words)
        self._wake.set()
        return incoming.weight

    def _check_known(self, data: bytes) -> None:
        """A node that comes back may have much to say; nobody else, before it waits for its turn."""
        most = self._limits.first_message
        if self._stream is not None or len(data) <= most:
            return
        with _told():
            known = is_introduced(data, self._variant.layout, self._limits)
        if not known:
            words = f"a first request of {len(data)} bytes without a node; {most} are the most"
            raise Overstepped(StreamEnd.MESSAGE_SIZE, words)

    def _decode(self, data: bytes) -> Incoming:
        with _told():
            incoming = self._variant.decode(data, self._limits)
        if not incoming.request.type:
            raise Overstepped(StreamEnd.MALFORMED, "type_url is required on an ADS stream")
        return incoming

    def _enter(self, incoming: Incoming) -> Stream:
        if not incoming.node.id:
            raise Overstepped(StreamEnd.MALFORMED, "the first request must say node.id")
        try:
            with _told():
                node = node_of(incoming.node, self._limits)
                self._seat = self._host.views.open(node, self._published_now)
        except NotLoadedError as error:
            raise Overstepped(StreamEnd.NOT_READY, str(error) or "nothing is loaded yet") from error
        now = _now()
        self._stream = Stream(node, ordering=self._host.ordering, dialect=self._variant.dialect, now=now)
        self._number = self._host.fleet.connect(self._status(self._stream, now))
        self._entered(self, node)
        return self._stream

    def _check_state(self, incoming: Incoming) -> None:
        """A node that holds something keeps it, rather than go back to what was last good."""
        if incoming.request.type not in TYPES:
            return  # there is no end to what a client may make up
        first = incoming.request.type not in self._asked
        self._asked.add(incoming.request.type)
        provisional = self._seat is not None and self._seat.provisional
        if first and provisional and incoming.holds_state:
            raise Overstepped(StreamEnd.NOT_READY, "only an older state is loaded; keep what you have")

    async def _turn(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._wake.clear()
        for send in self._advance():
            await self._write(write, self._variant.encode(send, self._host.identifier))
            if self._closing:
                return
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._deadline()):
                await self._wake.wait()

    async def _write(self, write: Callable[[bytes], Awaitable[None]], data: bytes) -> None:
        """Hand an answer over to gRPC, which takes it when the client has read what came before."""
        try:
            async with asyncio.timeout(self._limits.write) as self._writing:
                await write(data)
        except TimeoutError:
            if not self._closing:
                words = f"an answer could not be written for {self._limits.write:g} s"
                raise Overstepped(StreamEnd.SLOW, words) from None
        finally:
            self._writing = None

    def _deadline(self) -> float | None:
        if self._stream is not None:
            return self._stream.deadline()
        late = self._opened + self._limits.first_request
        if _now() >= late:
            words = f"no request within {self._limits.first_request:g} s"
            raise Overstepped(StreamEnd.SILENT, words)
        return late

    def _advance(self) -> list[Send]:
        stream, seat = self._stream, self._seat
        if stream is None or seat is None:
            return []
        now, view = _now(), seat.view()
        due, self._due = self._due, None  # a wake that changed nothing ages no change
        stream.search(seat.is_found, turn=seat.has_turn)
        if view is not None and view is not self._published:
            self._published = view
            stream.publish(view, now, due)
        else:
            stream.tick(now)
        sends = stream.take_effects()
        status = self._status(stream, now)
        self._host.fleet.update(self._number, status)
        refused = frozenset((one.ref, one.version) for one in status.refusals)
        seat.tell(refused, in_doubt=stream.in_doubt(now))
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
            self._host.fleet.disconnect(self._number, _now())


def _now() -> float:
    return asyncio.get_running_loop().time()


DELTA = Variant("delta", delta.DIALECT, delta.LAYOUT, delta.decode, delta.encode)
SOTW = Variant("sotw", sotw.DIALECT, sotw.LAYOUT, sotw.decode, sotw.encode)

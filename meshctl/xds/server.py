"""The aggregated discovery service on grpc.aio: one session a stream, errors kept to their stream.

May import `snapshot`, `fleet`, `names`, asyncio and grpc.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import grpc

from meshctl.fleet.fleet import Fleet
from meshctl.fleet.node import Node
from meshctl.names import Ref
from meshctl.xds.admission import Quiet, most_streams
from meshctl.xds.door import Door
from meshctl.xds.heavy import Heavy
from meshctl.xds.holding import Holding
from meshctl.xds.inventory import Inventory
from meshctl.xds.limits import LIMITS, Limits, Overstepped, StreamEnd
from meshctl.xds.ordering import Ordering
from meshctl.xds.session import DELTA, SOTW, Host, Session, Variant
from meshctl.xds.views import Views

_logger = logging.getLogger(__name__)

_SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
_METHODS = {"DeltaAggregatedResources": DELTA, "StreamAggregatedResources": SOTW}

_CODES: Mapping[StreamEnd, grpc.StatusCode] = {
    StreamEnd.MALFORMED: grpc.StatusCode.INVALID_ARGUMENT,
    StreamEnd.MESSAGE_SIZE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    StreamEnd.NAMES: grpc.StatusCode.RESOURCE_EXHAUSTED,
    StreamEnd.NODE_SIZE: grpc.StatusCode.INVALID_ARGUMENT,
    StreamEnd.VIEWS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    StreamEnd.STREAMS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    StreamEnd.RATE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    StreamEnd.REPLACED: grpc.StatusCode.ABORTED,
    StreamEnd.SILENT: grpc.StatusCode.DEADLINE_EXCEEDED,
    StreamEnd.SLOW: grpc.StatusCode.DEADLINE_EXCEEDED,
    StreamEnd.NOT_READY: grpc.StatusCode.UNAVAILABLE,
    StreamEnd.FAILED: grpc.StatusCode.INTERNAL,
}

_REPEATS_S = 10.0
"""One line in the log in this time for all refusals of one kind; the metric counts each."""

Refused = Callable[[StreamEnd], None]


def options(limits: Limits = LIMITS) -> tuple[tuple[str, int], ...]:
    """Options for the grpc.aio server that this service is added to."""
    return (
        # A client that reconnects names everything it holds in one request; 4 MiB, the default, locked large
        # ones out in a loop (envoyproxy/envoy#46072). It holds for what was compressed, too.
        ("grpc.max_receive_message_length", limits.message),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_concurrent_streams", limits.streams_per_connection),
        # A node that vanished without a word is noticed within 40 s; a quiet one may stay quiet.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        # A balancer chooses a replica for a connection, so nodes move only with a new one. gRPC adds ±10 %.
        ("grpc.max_connection_age_ms", int(limits.connection_age * 1_000)),
        ("grpc.max_connection_age_grace_ms", int(limits.connection_grace * 1_000)),
        # A second server on this port must say so instead of sharing it.
        ("grpc.so_reuseport", 0),
    )


_Context = grpc.aio.ServicerContext[bytes, bytes]


class AdsServer:
    """Serves views to Envoys and gRPC clients, over both variants of xDS."""

    def __init__(
        self,
        views: Views,
        fleet: Fleet,
        *,
        ordering: Ordering,
        identifier: str,
        limits: Limits = LIMITS,
        refused: Refused = lambda _: None,
    ) -> None:
        """`identifier` is what clients are told of who speaks: name and version; `refused` counts."""
        self._host = Host(views, fleet, ordering, identifier, limits, Heavy(limits))
        self._limits, self._refused = limits, refused
        self._door = Door(limits)
        self._quiet = Quiet(_REPEATS_S)
        self._sessions: dict[Session, None] = {}  # in the order in which they were opened
        self._of_node: dict[str, list[Session]] = {}
        self._draining = False
        self._empty = asyncio.Event()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Add the service's two methods. Bytes pass as they are: the codecs share encoded resources."""
        handlers = {name: self._method(variant) for name, variant in _METHODS.items()}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))

    def nodes(self) -> Iterator[Node]:
        """The nodes of all streams, in the order in which these were opened."""
        return (session.node for session in self._sessions if session.node is not None)

    def inventory(self, node_id: str, *, waiting: bool = False) -> Inventory | None:
        """What a connected node has and shall have, or what waits; None if no stream is open with this id.

        Of several streams, as of a node that reconnected, the one that was opened last is meant.
        """
        found = [one for one in self._sessions if one.node is not None and one.node.id == node_id]
        return found[-1].inventory(waiting=waiting) if found else None

    def holding(self, node_id: str, ref: Ref) -> Holding | None:
        """What a node has, or may have, under a name; None: surely nothing, or it is not connected."""
        sessions = self._of_node.get(node_id, [])
        return sessions[-1].holding(ref) if sessions else None

    def tell_rest(self) -> None:
        """Write how many refused streams were not written, and are counted in no later line."""
        for cause, number in self._quiet.rest().items():
            _logger.warning("more streams refused: cause=%s number=%d", cause.value, number)

    async def drain(self) -> None:
        """End all streams, so that clients go elsewhere, and take no more. Returns when they have ended."""
        self._draining = True
        while self._sessions:
            self._empty.clear()
            for session in tuple(self._sessions):
                session.close()
            await self._empty.wait()

    def _method(self, variant: Variant) -> "grpc.RpcMethodHandler[bytes, bytes]":
        async def serve(requests: AsyncIterator[bytes], context: _Context) -> None:
            await self._serve(variant, requests, context)

        return grpc.stream_stream_rpc_method_handler(serve)

    async def _serve(self, variant: Variant, requests: AsyncIterator[bytes], context: _Context) -> None:
        try:
            await self._admitted(variant, requests, context)
        except Overstepped as over:
            await self._refuse(context, over.cause, over.details)
        except Exception:
            _logger.exception("stream failed: peer=%s", context.peer())
            self._refused(StreamEnd.FAILED)
            await context.abort(_CODES[StreamEnd.FAILED], "the control plane failed on this stream")

    async def _admitted(self, variant: Variant, requests: AsyncIterator[bytes], context: _Context) -> None:
        if self._draining:
            raise Overstepped(StreamEnd.NOT_READY, "this server is going away")
        async with self._door.passed(_machine(context)):
            await self._run(variant, requests, context)

    async def _run(self, variant: Variant, requests: AsyncIterator[bytes], context: _Context) -> None:
        if self._draining:
            raise Overstepped(StreamEnd.NOT_READY, "this server is going away")
        session = Session(variant, self._host, self._entered, _machine(context))
        self._sessions[session] = None
        try:
            await session.run(requests, context.write)
        finally:
            # Before the client is told: one that does not read would keep its place for as long.
            self._left(session)

    def _entered(self, session: Session, node: Node) -> None:
        """The session's node is known: where it has too many streams, the oldest one ends."""
        sessions = self._of_node.setdefault(node.id, [])
        sessions.append(session)
        most = most_streams(node, self._limits)
        if len(sessions) > most:
            words = f"node {node.id} opened another stream, and {most} are the most; is its id used twice?"
            sessions[0].close(Overstepped(StreamEnd.REPLACED, words))
            self._forget(node.id, sessions[0])

    def _left(self, session: Session) -> None:
        if session.node is not None:
            self._forget(session.node.id, session)
        self._sessions.pop(session, None)
        if not self._sessions:
            self._empty.set()

    def _forget(self, node_id: str, session: Session) -> None:
        sessions = self._of_node.get(node_id, [])
        if session in sessions:
            sessions.remove(session)
            if not sessions:
                del self._of_node[node_id]

    async def _refuse(self, context: _Context, cause: StreamEnd, details: str) -> None:
        self._refused(cause)
        unsaid = self._quiet.unsaid(cause, _now())
        if unsaid is not None:
            words = "stream refused: cause=%s peer=%s reason=%r more=%d"
            _logger.warning(words, cause.value, context.peer(), details, unsaid)
        await context.abort(_CODES[cause], details)


def _machine(context: _Context) -> str:
    """Where a stream comes from, without the port."""
    return context.peer().rpartition(":")[0]


def _now() -> float:
    return asyncio.get_running_loop().time()

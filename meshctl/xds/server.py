"""The aggregated discovery service on grpc.aio: one session a stream, errors kept to their stream.

May import `snapshot`, `fleet`, `names`, asyncio and grpc.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import grpc
from google.protobuf.message import DecodeError

from meshctl.fleet.fleet import Fleet
from meshctl.fleet.node import Node
from meshctl.xds.inventory import Inventory
from meshctl.xds.ordering import Ordering
from meshctl.xds.session import DELTA, SOTW, RefusedError, Session, Variant, Views

_logger = logging.getLogger(__name__)

_SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
_METHODS = {"DeltaAggregatedResources": DELTA, "StreamAggregatedResources": SOTW}

OPTIONS: tuple[tuple[str, int], ...] = (
    # A client that reconnects names everything it holds in one request; 4 MiB, the default, locked large
    # ones out in a loop (envoyproxy/envoy#46072).
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", -1),
    # A node that vanished without a word is noticed within 40 s; a quiet one may stay quiet.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    # A second server on this port must say so instead of sharing it.
    ("grpc.so_reuseport", 0),
)
"""Options for the grpc.aio server that this service is added to."""

_Context = grpc.aio.ServicerContext[bytes, bytes]


class AdsServer:
    """Serves views to Envoys and gRPC clients, over both variants of xDS."""

    def __init__(self, views: Views, fleet: Fleet, *, ordering: Ordering, identifier: str) -> None:
        """`identifier` is what clients are told of who speaks: name and version."""
        self._views, self._fleet, self._ordering, self._identifier = views, fleet, ordering, identifier
        self._sessions: dict[Session, None] = {}  # in the order in which they were opened
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
        if self._draining:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "this server is going away")
        session = Session(variant, self._views, self._fleet, self._ordering, self._identifier)
        self._sessions[session] = None
        try:
            await session.run(requests, context.write)
        except RefusedError as refusal:
            await context.abort(refusal.code, refusal.details)
        except DecodeError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the request is no discovery request")
        except Exception:
            _logger.exception("stream failed: peer=%s", context.peer())
            await context.abort(grpc.StatusCode.INTERNAL, "the control plane failed on this stream")
        finally:
            self._sessions.pop(session, None)
            if not self._sessions:
                self._empty.set()

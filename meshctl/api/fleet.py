"""The gRPC service behind `meshctl fleet`, `confirm`, `apply` and `plan`: what is known now, as messages.

May import what is served, and our own messages: with its neighbours and `cli/client.py` one of their ends.
Lines of the catalog are looked up when somebody asks, as the files stand then.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from ipaddress import IPv6Address, ip_address
from typing import Protocol
from urllib.parse import unquote

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from meshctl.api import inspect
from meshctl.api.plan import Planner
from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus, Refusal, TypeStatus
from meshctl.names import Role
from meshctl.operations.guard import Losses, NotGuarded
from meshctl.operations.targets import UnknownTarget, target
from meshctl.operations.why import why
from meshctl.problems import nearest
from meshctl.serve.held import HeldBack
from meshctl.serve.progress import Wave
from meshctl.serve.publish import Publisher
from meshctl.serve.slices import sliced, whole
from meshctl.serve.standing import Standing
from meshctl.v1 import fleet_pb2 as pb
from meshctl.v1.fleet_pb2_grpc import FleetServicer, add_FleetServicer_to_server
from meshctl.xds.inventory import Inventory
from meshctl.xds.types import TYPES

_TOLD = 20  # nodes that a wave waits for, by id
_USER = 64  # characters of a user's name that go into the log

_Context = grpc.aio.ServicerContext[object, object]


class Streams(Protocol):
    """Where it is known what connected nodes have."""

    def inventory(self, node_id: str, *, waiting: bool = False) -> Inventory | None:
        """What a connected node has and shall have, or what waits; None if no stream is open with this id."""


def add_fleet(server: grpc.aio.Server, publisher: Publisher, fleet: Fleet, streams: Streams) -> None:
    """Serve it on this server."""
    add_FleetServicer_to_server(FleetService(publisher, fleet, streams), server)


class FleetService(FleetServicer):
    """Answers from what the publisher and the fleet know now."""

    def __init__(self, publisher: Publisher, fleet: Fleet, streams: Streams) -> None:
        self._publisher, self._fleet, self._streams = publisher, fleet, streams
        self._planner = Planner(publisher, fleet)

    async def ListNodes(self, request: pb.ListNodesRequest, context: _Context) -> pb.ListNodesResponse:
        """All nodes, by id."""
        now = asyncio.get_running_loop().time()
        nodes = [self._node(status) for status in self._publisher.shown(self._fleet.nodes(now))]
        return pb.ListNodesResponse(nodes=nodes, catalog=self._catalog())

    async def GetNode(self, request: pb.GetNodeRequest, context: _Context) -> pb.GetNodeResponse:
        """One node; NOT_FOUND with the nearest id."""
        status = await self._status(request.id, context)
        node, found = self._node(status), self._streams.inventory(request.id, waiting=True)
        if found is not None:
            clock = _wall_clock()
            node.waiting.extend(inspect.waiting_message(one, clock) for one in inspect.waiting(found))
            node.view_revision = _revision(found.revision)
        return pb.GetNodeResponse(node=node, catalog=self._catalog())

    async def GetWhy(self, request: pb.GetWhyRequest, context: _Context) -> pb.GetWhyResponse:
        """Why a node is in its state; NOT_FOUND with the nearest id."""
        status, clock = await self._status(request.id, context), _wall_clock()
        found = why(inspect.known(self._publisher, status, self._streams.inventory(request.id, waiting=True)))
        sources = self._publisher.resolver.sources
        causes = [inspect.cause_message(one, sources, clock) for one in found]
        return pb.GetWhyResponse(node=self._node(status), causes=causes)

    async def GetConfig(self, request: pb.GetConfigRequest, context: _Context) -> pb.GetConfigResponse:
        """What a connected node has."""
        status = await self._status(request.id, context)
        found = self._streams.inventory(request.id)
        if found is None:
            words = f"{request.id} is not connected: what it holds is known while its stream is open"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        if not found.view:
            words = f"{request.id} was given nothing: {self._reason(status) or status.state.value}"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        resources = list(inspect.resource_messages(found, request.types, request.name))
        return pb.GetConfigResponse(view=found.view, resources=resources)

    async def _status(self, node_id: str, context: _Context) -> NodeStatus:
        now = asyncio.get_running_loop().time()
        status = self._fleet.get(node_id, now)
        if status is None:
            near = nearest(node_id, (one.node.id for one in self._fleet.nodes(now)))
            hint = f"; the nearest id is {near!r}" if near else ""
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no node has the id {node_id!r}{hint}")
        return self._publisher.shown([status])[0]

    async def GetTarget(self, request: pb.GetTargetRequest, context: _Context) -> pb.GetTargetResponse:
        """What a node would stand for; NOT_FOUND with the nearest name."""
        standing = self._publisher.standing
        if not standing.live:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, standing.reason)
        try:
            async with self._publisher.turn():
                found = target(self._publisher.resolver, Role(request.role), request.names)
        except UnknownTarget as error:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except ValueError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"there is no role {request.role!r}")
        return pb.GetTargetResponse(address=found.address, hosts=found.hosts)

    async def Confirm(self, request: pb.ConfirmRequest, context: _Context) -> pb.ConfirmResponse:
        """Let go what is guarded, if it is still what the hash names, and who asks is on this machine."""
        who = await _local_user(context, "confirm", request.user)
        try:
            taken = await whole(self._confirmed(request.hash, who))
        except NotGuarded as error:
            if not error.current:
                await context.abort(grpc.StatusCode.NOT_FOUND, "nothing is guarded")
            words = f"what is guarded now has the hash {error.current}"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        return pb.ConfirmResponse(losses=taken.names)

    async def _confirmed(self, digest: str, who: str) -> Losses:
        async with self._publisher.turn():
            taken, made = await asyncio.to_thread(self._publisher.confirmed, digest, who)
            await sliced(self._publisher.settling(made))
        return taken

    async def ListEntries(self, request: pb.ListEntriesRequest, context: _Context) -> pb.ListEntriesResponse:
        """The files of the catalog as they were read last, by file."""
        async with self._publisher.turn():
            read = self._publisher.entries()
        entries = (pb.Entry(file=one.file, hash=one.hash, served=one.served) for one in read)
        return pb.ListEntriesResponse(entries=entries)

    async def SkipWaves(self, request: pb.SkipWavesRequest, context: _Context) -> pb.SkipWavesResponse:
        """Give all nodes the newest, if who asks is on this machine."""
        who = await _local_user(context, "apply --now", request.user)
        async with self._publisher.turn():
            return pb.SkipWavesResponse(views=self._publisher.skip_waves(who))

    async def Plan(
        self, request_iterator: AsyncIterator[pb.CatalogFile], context: _Context
    ) -> pb.PlanResponse:
        """What would come of these files."""
        return await self._planner.answer(request_iterator, context)

    def _catalog(self) -> pb.Catalog:
        message, clock = catalog(self._publisher.standing), _wall_clock()
        message.waves.extend(self._wave(wave, clock) for wave in self._publisher.waves.progress())
        message.held.extend(self._held(one) for one in self._publisher.holds.all())
        return message

    def _wave(self, wave: Wave, clock: inspect.Clock) -> pb.Wave:
        return pb.Wave(
            view=wave.view,
            wave=wave.wave,
            waves=wave.waves,
            reached=wave.reached,
            nodes=wave.nodes,
            waits_for=wave.waits_for[:_TOLD],
            since=clock(wave.since),
            returns_until=clock(wave.returns_until),
            goes_on_at=clock(wave.goes_on_at),
            stopped=wave.stopped,
            node=wave.node,
            refusal=self._refusal(wave.view, wave.refusal, clock) if wave.refusal else None,
        )

    def _held(self, one: HeldBack) -> pb.Held:
        held = one.held
        return pb.Held(
            view=one.view,
            type=TYPES[one.ref.type].short,
            resource=one.ref.name,
            version=held.version,
            reason=held.reason,
            since=_timestamp(held.since),
            nodes=len(held.nodes),
            cause="silent" if held.silent else "refused",
            serving="nothing" if held.kept is None else "last good",
            locations=[
                inspect.location(span) for span in self._publisher.places(one.view, one.ref, held.reason)
            ],
        )

    def _node(self, status: NodeStatus) -> pb.Node:
        node, clock = status.node, _wall_clock()
        return pb.Node(
            id=node.id,
            cluster=node.cluster,
            view="" if status.state is NodeState.UNKNOWN else status.view,
            state=status.state.value,
            reason=self._reason(status),
            connected=status.connected,
            connected_since=clock(status.connected_since),
            last_seen=clock(status.last_seen),
            user_agent=node.user_agent,
            protocol=status.protocol,
            types=[_type(one, clock) for one in status.types],
            refusals=[self._refusal(status.view, one, clock) for one in status.refusals],
            state_since=clock(status.state_since),
            revision=_revision(status.revision),
        )

    def _reason(self, status: NodeStatus) -> str:
        unknown = None
        if status.state is NodeState.UNKNOWN:
            unknown = self._publisher.unknown(status.node.view_key)
        return "; ".join(filter(None, (unknown or status.reason, status.node.unsupported)))

    def _refusal(self, view: str, refusal: Refusal, clock: inspect.Clock) -> pb.Refusal:
        return pb.Refusal(
            type=TYPES[refusal.ref.type].short,
            resource=refusal.ref.name,
            version=refusal.version,
            reason=refusal.reason,
            locations=[
                inspect.location(span) for span in self._publisher.places(view, refusal.ref, refusal.reason)
            ],
            since=clock(refusal.since),
        )


async def _local_user(context: _Context, what: str, user: str) -> str:
    """Who asks, for the log; refused with PERMISSION_DENIED where that is not on this machine."""
    peer = context.peer()
    if not is_local(peer):
        words = f"{what} is taken from the machine alone that meshctl serve runs on"
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, words)
    return f"{user[:_USER]} at {peer}"


def is_local(peer: str) -> bool:
    """Whether a peer, as grpc names it (`ipv4:127.0.0.1:5000`, `ipv6:%5B::1%5D:5000`), is on this machine."""
    kind, _, rest = unquote(peer).partition(":")
    try:
        address = ip_address(rest.rpartition(":")[0].strip("[]"))
    except ValueError:
        return kind == "unix"
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def catalog(standing: Standing) -> pb.Catalog:
    """What is published, and what is not."""
    guarded = standing.guarded
    return pb.Catalog(
        state=standing.state.value,
        reason=standing.reason,
        revision=str(standing.revision) if standing.published_at is not None else "",
        published_at=_timestamp(standing.published_at),
        broken=list(inspect.broken_entries(standing.held, standing.unserved)),
        guarded=pb.Guarded(hash=guarded.hash, losses=guarded.names) if guarded.files else None,
    )


def _type(status: TypeStatus, clock: inspect.Clock) -> pb.TypeStatus:
    return pb.TypeStatus(
        type=status.type,
        sent=status.sent,
        acked=status.acked,
        nacked=status.nacked,
        sent_at=clock(status.sent_at),
        acked_at=clock(status.acked_at),
        nacked_at=clock(status.nacked_at),
        resources=status.resources,
    )


def _revision(number: int) -> str:
    return str(number) if number else ""


def _wall_clock() -> inspect.Clock:
    """Turns times of the loop's clock, which streams use, into those of the wall."""
    ahead = time.time() - asyncio.get_running_loop().time()
    return lambda moment: None if moment is None else _timestamp(moment + ahead)


def _timestamp(moment: float | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromNanoseconds(round(moment * 1e9))
    return stamp

"""The gRPC service behind `meshctl fleet`, `confirm`, `apply` and `plan`: what is asked and answered.

May import what is served, and our own messages: with its neighbours and `cli/client.py` one of their ends.
Lines of the catalog are looked up when somebody asks, as the files stand then.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

import grpc

from meshctl.api import inspect
from meshctl.api.callers import Context, local_user
from meshctl.api.messages import catalog_message, node_message, reason, revision_text, wall_clock
from meshctl.api.plan import Plans
from meshctl.fleet.fleet import Fleet, NodeStatus
from meshctl.names import Role
from meshctl.operations.guard import Losses, NotGuarded
from meshctl.operations.targets import TwoOnOnePort, UnknownTarget, target
from meshctl.operations.why import why
from meshctl.problems import nearest
from meshctl.serve.background import skipped
from meshctl.serve.publish import Publisher
from meshctl.serve.slices import sliced, whole
from meshctl.v1 import fleet_pb2 as pb
from meshctl.v1.fleet_pb2_grpc import FleetServicer, add_FleetServicer_to_server
from meshctl.xds.inventory import Inventory


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
        self._plans = Plans(publisher, fleet)

    async def ListNodes(self, request: pb.ListNodesRequest, context: Context) -> pb.ListNodesResponse:
        """All nodes, by id."""
        shown, clock = self._publisher.shown(self._fleet.nodes(_now())), wall_clock()
        nodes = [node_message(self._publisher, status, clock) for status in shown]
        return pb.ListNodesResponse(nodes=nodes, catalog=catalog_message(self._publisher, clock))

    async def GetNode(self, request: pb.GetNodeRequest, context: Context) -> pb.GetNodeResponse:
        """One node; NOT_FOUND with the nearest id."""
        status, clock = await self._status(request.id, context), wall_clock()
        node = node_message(self._publisher, status, clock)
        found = self._streams.inventory(request.id, waiting=True)
        if found is not None:
            node.waiting.extend(inspect.waiting_message(one, clock) for one in inspect.waiting(found))
            node.view_revision = revision_text(found.revision)
        return pb.GetNodeResponse(node=node, catalog=catalog_message(self._publisher, clock))

    async def GetWhy(self, request: pb.GetWhyRequest, context: Context) -> pb.GetWhyResponse:
        """Why a node is in its state; NOT_FOUND with the nearest id."""
        status, clock = await self._status(request.id, context), wall_clock()
        found = why(inspect.known(self._publisher, status, self._streams.inventory(request.id, waiting=True)))
        sources = self._publisher.catalog.resolver.sources
        causes = [inspect.cause_message(one, sources, clock) for one in found]
        return pb.GetWhyResponse(node=node_message(self._publisher, status, clock), causes=causes)

    async def GetConfig(self, request: pb.GetConfigRequest, context: Context) -> pb.GetConfigResponse:
        """What a connected node has."""
        status = await self._status(request.id, context)
        found = self._streams.inventory(request.id)
        if found is None:
            words = f"{request.id} is not connected: what it holds is known while its stream is open"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        if not found.view:
            words = f"{request.id} was given nothing: {reason(self._publisher, status) or status.state.value}"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        resources = list(inspect.resource_messages(found, request.types, request.name))
        return pb.GetConfigResponse(view=found.view, resources=resources)

    async def _status(self, node_id: str, context: Context) -> NodeStatus:
        status = self._fleet.get(node_id, _now())
        if status is None:
            near = nearest(node_id, (one.node.id for one in self._fleet.nodes(_now())))
            hint = f"; the nearest id is {near!r}" if near else ""
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no node has the id {node_id!r}{hint}")
        return self._publisher.shown([status])[0]

    async def GetTarget(self, request: pb.GetTargetRequest, context: Context) -> pb.GetTargetResponse:
        """What a node would stand for; NOT_FOUND with the nearest name."""
        standing = self._publisher.standing
        if not standing.live:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, standing.reason)
        try:
            async with self._publisher.turn:
                found = target(self._publisher.catalog.resolver, Role(request.role), request.names)
        except UnknownTarget as error:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except TwoOnOnePort as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except ValueError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"there is no role {request.role!r}")
        return pb.GetTargetResponse(address=found.address, hosts=found.hosts)

    async def Confirm(self, request: pb.ConfirmRequest, context: Context) -> pb.ConfirmResponse:
        """Let go what is guarded, if it is still what the hash names, and who asks is on this machine."""
        who = await local_user(context, "confirm", request.user)
        try:
            taken = await whole(self._confirmed(request.hash, who))
        except NotGuarded as error:
            if not error.current:
                await context.abort(grpc.StatusCode.NOT_FOUND, "nothing is guarded")
            words = f"what is guarded now has the hash {error.current}"
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, words)
        return pb.ConfirmResponse(losses=taken.names)

    async def _confirmed(self, digest: str, who: str) -> Losses:
        async with self._publisher.turn:
            taken, made = await asyncio.to_thread(self._publisher.confirmed, digest, who)
            await sliced(self._publisher.settling(made))
        return taken

    async def ListEntries(self, request: pb.ListEntriesRequest, context: Context) -> pb.ListEntriesResponse:
        """The files of the catalog as they were read last, by file."""
        async with self._publisher.turn:
            read = self._publisher.catalog.entries()
        entries = (pb.Entry(file=one.file, hash=one.hash, served=one.served) for one in read)
        return pb.ListEntriesResponse(entries=entries)

    async def SkipWaves(self, request: pb.SkipWavesRequest, context: Context) -> pb.SkipWavesResponse:
        """Give all nodes the newest, if who asks is on this machine."""
        who = await local_user(context, "apply --now", request.user)
        return pb.SkipWavesResponse(views=await whole(skipped(self._publisher, who)))

    async def Plan(
        self, request_iterator: AsyncIterator[pb.CatalogFile], context: Context
    ) -> pb.PlanResponse:
        """What would come of these files."""
        return await self._plans.answer(request_iterator, context)


def _now() -> float:
    return asyncio.get_running_loop().time()

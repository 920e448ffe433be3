"""A plan, made beside what is served: takes in a folder's files, and answers with what would come of them.

May import what is served, and our own messages. A plan is work for seconds where the mesh is large: one is
made at a time, in a thread, and the next begins when as long again has passed, so that plans never have more
than half of the server's time. Its files come before its turn, so that a client whose files do not come keeps
nobody waiting.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import grpc

from meshctl.api.callers import Context
from meshctl.api.messages import broken_entries, guarded_message
from meshctl.catalog.folder import Unreadable, is_entry
from meshctl.fleet.fleet import Fleet
from meshctl.operations.plan import ResourceChange
from meshctl.operations.proposal import Basis, EntryChange, Proposal, propose
from meshctl.serve.collector import COLLECTOR
from meshctl.serve.publish import Publisher
from meshctl.serve.slices import whole
from meshctl.v1 import fleet_pb2 as pb
from meshctl.xds.heavy import HalfTime
from meshctl.xds.types import TYPES

MOST_FILES = 100_000
MOST_BYTES = 64 << 20
"""Of a catalog that is planned: an entry has about 300 bytes."""

AT_ONCE = 4
"""Plans whose files are in memory, or on their way there; those of others are not read yet."""

PATIENCE_S = 30.0
"""How long the files may take to come."""

_NAMED = 20  # nodes of a view, by id

Nodes = Mapping[str, Sequence[str]]
"""The ids of the connected nodes, sorted, by view."""


class _Refused(Exception):
    """Files that no catalog has."""

    def __init__(self, code: grpc.StatusCode, words: str) -> None:
        super().__init__(words)
        self.code = code


class Plans:
    """Makes one plan after the other, of files that are there."""

    def __init__(self, publisher: Publisher, fleet: Fleet) -> None:
        self._publisher, self._fleet = publisher, fleet
        self._room, self._turns = asyncio.Semaphore(AT_ONCE), HalfTime()

    async def answer(self, files: AsyncIterator[pb.CatalogFile], context: Context) -> pb.PlanResponse:
        """The plan of these files. Aborts where they are none of a catalog, or nothing is served."""
        async with self._room:
            texts = await self._texts(files, context)
            async with self._turns.turn():
                standing = self._publisher.standing
                if not standing.live:
                    await context.abort(grpc.StatusCode.FAILED_PRECONDITION, standing.reason)
                return await self._made(texts)

    async def _texts(self, files: AsyncIterator[pb.CatalogFile], context: Context) -> dict[str, bytes]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await _received(files)
        except _Refused as error:
            await context.abort(error.code, str(error))
        except TimeoutError:
            words = f"the files did not come within {PATIENCE_S:g} s"
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, words)

    async def _made(self, texts: Mapping[str, bytes]) -> pb.PlanResponse:
        async with self._publisher.turn:
            basis = self._publisher.catalog.basis()
        with COLLECTOR.waits():
            return await whole(asyncio.to_thread(_planned, basis, texts, self._nodes(), _now()))

    def _nodes(self) -> Nodes:
        found: dict[str, list[str]] = {}
        for status in self._fleet.nodes(_now()):
            ids = found.setdefault(status.view, [])
            if status.connected and status.node.id not in ids[-1:]:  # which come by id
                ids.append(status.node.id)
        return found


async def _received(files: AsyncIterator[pb.CatalogFile]) -> dict[str, bytes]:
    """The texts by file. Raises _Refused."""
    texts: dict[str, bytes] = {}
    size = 0
    async for one in files:
        if not is_entry(one.file):
            raise _Refused(grpc.StatusCode.INVALID_ARGUMENT, f"{one.file!r} is no file of a catalog")
        texts[one.file] = Unreadable(one.unreadable) if one.unreadable else one.text
        size += len(one.file) + len(one.text) + len(one.unreadable)
        if len(texts) > MOST_FILES or size > MOST_BYTES:
            words = f"{MOST_FILES:,} files and {MOST_BYTES >> 20} MiB are the most of a catalog"
            raise _Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, words)
    return texts


def _planned(basis: Basis, texts: Mapping[str, bytes], nodes: Nodes, now: float) -> pb.PlanResponse:
    return response(propose(basis, texts, now), nodes)


def response(proposal: Proposal, nodes: Nodes) -> pb.PlanResponse:
    """A proposal as it is told, with the nodes that it concerns."""
    plan = proposal.plan
    return pb.PlanResponse(
        revision=str(plan.revision),
        live=proposal.live,
        wanted=proposal.wanted,
        entries=map(_entry, proposal.entries),
        resources=map(_resource, plan.resources),
        views=_views(plan.resources, nodes),
        impact=plan.impact.value,
        problems=broken_entries(proposal.held, proposal.unserved),
        guarded=guarded_message(proposal.guarded),
    )


def _entry(change: EntryChange) -> pb.PlannedEntry:
    return pb.PlannedEntry(
        sign=change.sign.value,
        file=change.file,
        kind=change.kind,
        name=change.name,
        outcome=change.fate.value,
    )


def _resource(change: ResourceChange) -> pb.PlannedResource:
    return pb.PlannedResource(
        sign=change.sign.value,
        type=TYPES[change.ref.type].short,
        name=change.ref.name,
        impact=change.impact.value,
        fields=change.fields,
        goes=change.way.value,
        views=change.views,
    )


def _views(changes: Sequence[ResourceChange], nodes: Nodes) -> Iterator[pb.PlannedView]:
    for view in sorted({view for change in changes for view in change.views}):
        ids = nodes.get(view, ())
        yield pb.PlannedView(view=view, nodes=len(ids), ids=ids[:_NAMED])


def _now() -> float:
    return asyncio.get_running_loop().time()

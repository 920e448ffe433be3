"""What is published, and each node, as our own messages: the parts that several answers have.

May import what is served, and our own messages.
"""

import asyncio
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from meshctl.fleet.fleet import NodeState, NodeStatus, Refusal, TypeStatus
from meshctl.names import Ref
from meshctl.operations.guard import Losses
from meshctl.problems import Finding, Span
from meshctl.serve.held import HeldBack
from meshctl.serve.progress import Wave
from meshctl.serve.publish import Publisher
from meshctl.serve.standing import Standing
from meshctl.v1 import fleet_pb2 as pb
from meshctl.xds.types import TYPES

_TOLD = 20  # nodes that a wave waits for, by id

Clock = Callable[[float | None], Timestamp | None]
"""Turns times of the loop's clock, which streams use, into those of the wall."""


def wall_clock() -> Clock:
    """The clock of what is told now."""
    ahead = time.time() - asyncio.get_running_loop().time()
    return lambda moment: None if moment is None else _timestamp(moment + ahead)


def catalog_message(publisher: Publisher, clock: Clock) -> pb.Catalog:
    """What is published, what is not, and what has not reached all nodes."""
    message = standing_message(publisher.standing)
    message.waves.extend(_wave(publisher, wave, clock) for wave in publisher.waves.progress())
    message.held.extend(_held(publisher, one) for one in publisher.holds.all())
    return message


def standing_message(standing: Standing) -> pb.Catalog:
    """What is published, and what is not."""
    return pb.Catalog(
        state=standing.state.value,
        reason=standing.reason,
        revision=str(standing.revision) if standing.published_at is not None else "",
        published_at=_timestamp(standing.published_at),
        broken=broken_entries(standing.held, standing.unserved),
        guarded=guarded_message(standing.guarded),
    )


def guarded_message(losses: Losses) -> pb.Guarded | None:
    """What waits to be confirmed; None: nothing."""
    return pb.Guarded(hash=losses.hash, losses=losses.names) if losses.files else None


def broken_entries(
    held: Mapping[str, Sequence[Finding]], unserved: Container[str]
) -> Iterator[pb.BrokenEntry]:
    """Why files are not served as they stand, and what is served of them instead."""
    for file, found in held.items():
        for finding in found:
            yield pb.BrokenEntry(
                location=location(finding.span),
                code=finding.code,
                message=_words(file, finding),
                fix=finding.fix,
                serving="nothing" if file in unserved else "last good",
            )


def node_message(publisher: Publisher, status: NodeStatus, clock: Clock) -> pb.Node:
    """One node, as it is shown."""
    node = status.node
    return pb.Node(
        id=node.id,
        cluster=node.cluster,
        view="" if status.state is NodeState.UNKNOWN else status.view,
        state=status.state.value,
        reason=reason(publisher, status),
        connected=status.connected,
        connected_since=clock(status.connected_since),
        last_seen=clock(status.last_seen),
        user_agent=node.user_agent,
        protocol=status.protocol,
        types=[_type(one, clock) for one in status.types],
        refusals=[_refusal(publisher, status.view, one, clock) for one in status.refusals],
        state_since=clock(status.state_since),
        revision=revision_text(status.revision),
    )


def reason(publisher: Publisher, status: NodeStatus) -> str:
    """Why a node is in its state; "" where nothing is wrong with it."""
    unknown = publisher.unknown(status.node.view_key) if status.state is NodeState.UNKNOWN else None
    return "; ".join(filter(None, (unknown or status.reason, status.node.unsupported)))


def revision_text(number: int) -> str:
    """A revision; "" for none yet."""
    return str(number) if number else ""


def location(span: Span) -> pb.Location:
    """A place in the catalog."""
    return pb.Location(file=span.file, line=span.line, column=span.column)


def _wave(publisher: Publisher, wave: Wave, clock: Clock) -> pb.Wave:
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
        refusal=_refusal(publisher, wave.view, wave.refusal, clock) if wave.refusal else None,
    )


def _held(publisher: Publisher, one: HeldBack) -> pb.Held:
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
        locations=_locations(publisher, one.view, one.ref, held.reason),
    )


def _refusal(publisher: Publisher, view: str, refusal: Refusal, clock: Clock) -> pb.Refusal:
    return pb.Refusal(
        type=TYPES[refusal.ref.type].short,
        resource=refusal.ref.name,
        version=refusal.version,
        reason=refusal.reason,
        locations=_locations(publisher, view, refusal.ref, refusal.reason),
        since=clock(refusal.since),
    )


def _locations(publisher: Publisher, view: str, ref: Ref, words: str) -> Iterator[pb.Location]:
    """The lines behind a resource that was refused in these words."""
    return map(location, publisher.catalog.places(view, ref, words))


def _type(status: TypeStatus, clock: Clock) -> pb.TypeStatus:
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


def _words(file: str, finding: Finding) -> str:
    """What is wrong; if it is told of another file than the one that is held back, which one that is."""
    return finding.message if finding.span.file == file else f"{finding.message}; this holds back {file}"


def _timestamp(moment: float | None) -> Timestamp | None:
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromNanoseconds(round(moment * 1e9))
    return stamp

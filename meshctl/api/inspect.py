"""One node looked at closely: what it waits for, what it has, and why, as our own messages.

May import what is served, and our own messages; `api/fleet.py` answers with these.
"""

from collections.abc import Collection, Iterator, Mapping

from meshctl.api.messages import Clock, location
from meshctl.catalog.source import Source
from meshctl.fleet.fleet import NodeState, NodeStatus
from meshctl.operations.known import Known, Spared, Wait
from meshctl.operations.why import Cause
from meshctl.problems import Span
from meshctl.serve.publish import Publisher
from meshctl.serve.standing import CatalogState
from meshctl.v1 import fleet_pb2 as pb
from meshctl.xds.inventory import Inventory, Item, Stand
from meshctl.xds.types import TYPES


def known(publisher: Publisher, status: NodeStatus, found: Inventory | None) -> Known:
    """All that can be a cause: from the node, and from the entries that its view is made from."""
    standing = publisher.standing
    unknown = publisher.unknown(status.node.view_key) if status.state is NodeState.UNKNOWN else None
    back = publisher.holds.told.of(status.view) if status.state is NodeState.HELD else []
    spared = [
        Spared(publisher.holds.told.refusal(one), len(one.held.nodes), silent=one.held.silent) for one in back
    ]
    refused = (*status.refusals, *(one.refusal for one in spared))
    return Known(
        status,
        unknown=unknown or "",
        coming=unknown is not None and publisher.is_coming(status.node.view_key),
        lines={one.ref: publisher.catalog.places(status.view, one.ref, one.reason) for one in refused},
        spared=spared,
        waits=[Wait(one.ref, one.waits_for, one.since) for one in waiting(found)],
        reaches=publisher.catalog.reaches(status.view) | frozenset(status.node.targets),
        held=standing.held,
        unserved=standing.unserved,
        guarded=standing.guarded,
        unusable=standing.reason if standing.state is CatalogState.UNUSABLE else "",
    )


def waiting(found: Inventory | None) -> Iterator[Item]:
    """What does not go out before the node has what it needs."""
    return (one for one in (found.items if found else ()) if one.stand is Stand.WAITING)


def waiting_message(item: Item, clock: Clock) -> pb.Waiting:
    """A resource that waits."""
    return pb.Waiting(
        type=TYPES[item.ref.type].short,
        resource=item.ref.name,
        waits_for=[f"{TYPES[ref.type].noun} {ref.name}" for ref in item.waits_for],
        since=clock(item.since),
    )


def cause_message(cause: Cause, sources: Mapping[str, Source], clock: Clock) -> pb.Cause:
    """A cause, with the entries that its lines belong to."""
    return pb.Cause(
        kind=cause.kind,
        words=cause.words,
        since=clock(cause.since),
        said=cause.said,
        origins=[_origin(span, sources.get(span.file)) for span in cause.spans],
        next=cause.steps,
    )


def _origin(span: Span, source: Source | None) -> pb.Origin:
    if source is None or not source.team:
        return pb.Origin(location=location(span))
    kind = source.kind.value if source.kind else "entry"
    return pb.Origin(location=location(span), entry=f"{kind} {source.name}", team=source.team)


def resource_messages(found: Inventory, types: Collection[str], name: str) -> Iterator[pb.NodeResource]:
    """What a node has; of these types and this name only, where they are given."""
    for item in found.items:
        short = TYPES[item.ref.type].short
        if (not types or short in types) and name in ("", item.ref.name):
            yield _resource(short, item)


def _resource(short: str, item: Item) -> pb.NodeResource:
    return pb.NodeResource(
        type=short,
        name=item.ref.name,
        state=item.stand.value,
        version=item.accepted.version if item.accepted else "",
        body=item.accepted.body if item.accepted else b"",
        wanted=item.wanted.version if item.wanted else "",
        reason=_reason(item),
    )


def _reason(item: Item) -> str:
    if item.refusal is not None:
        return item.refusal.reason
    if item.waits_for:
        return f"waits for {', '.join(f'{TYPES[ref.type].noun} {ref.name}' for ref in item.waits_for)}"
    return _REASONS[item.stand]


_REASONS = {
    Stand.ACCEPTED: "",
    Stand.SENT: "is on its way, and not answered yet",
    Stand.PENDING: "is about to be sent",
    Stand.WAITING: "some of its virtual hosts wait for clusters that the node does not have",
    Stand.REFUSED: "was refused",
    Stand.LEAVING: "is gone from the view, and leaves when nothing needs it",
}

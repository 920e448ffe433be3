"""What `meshctl fleet why` says in each state: from what is known to what people read."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import click
from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp

from meshctl.api.inspect import cause_message
from meshctl.catalog.source import read_source
from meshctl.cli.answers import Why
from meshctl.cli.commands.inspect import why_lines
from meshctl.fleet.fleet import NodeState, NodeStatus, Refusal, TypeStatus
from meshctl.fleet.node import Node
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Ref, Role
from meshctl.operations.guard import Losses
from meshctl.operations.known import Known, Spared, Wait
from meshctl.operations.why import why
from meshctl.problems import Finding, Span
from meshctl.v1 import fleet_pb2 as pb
from tests.golden.case import Case, Section
from tests.golden.conftest import Golden

GOLDEN = Path(__file__).with_name("why.txt")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NODE = Node("web@host-7", Role.SIDECAR, ("web",), client="1.40")
CDS = TypeStatus("cds", sent="8aa1", acked="8aa1", sent_at=-60.0, acked_at=-59.0, resources=2)
SYNCED = NodeStatus(
    NODE, NODE.view, NodeState.SYNCED, types=(CDS,), revision=7, last_seen=-3.0, state_since=-59.0
)
USERS = "accounts/users.yaml"
SOURCES = {USERS: read_source(USERS, b"service: users\nport: 80\nendpoints: [127.0.0.1]\n")}
BAD = Refusal(Ref(ENDPOINTS, "users/v1"), "51ab", "malformed IP address: backend.internal", -40.0)
IN_USE = Refusal(
    Ref(LISTENER, "egress/web"),
    "77cd",
    "cannot bind '127.0.0.1:15001': Address already in use",
    -5.0,
    passing=True,
)
UNANSWERED = Refusal(Ref(ROUTES, "egress/web"), "51ab", "no answer for 20 s from web@a, web@b", -40.0)
SILENT = TypeStatus(
    "rds", sent="51ab", acked="8aa1", sent_at=-25.0, acked_at=-90.0, resources=1, unanswered=True
)
WAIT = Wait(Ref(ROUTES, "egress/web"), (Ref(CLUSTER, "users/v2"),), -4.0)
NO_PORT = Finding(Span(USERS, 2, 7), "MSH0202", "'x' is not a port", "write a number of 1 to 65535")
LINES = {BAD.ref: [Span(USERS, 3, 13)]}


def status(state: NodeState, reason: str = "", **more: object) -> NodeStatus:
    return replace(SYNCED, state=state, reason=reason, state_since=-30.0, **more)  # type: ignore[arg-type]


CASES: Mapping[str, Known] = {
    "synced": Known(SYNCED),
    "sending, about to": Known(status(NodeState.SENDING, "changes are about to be sent")),
    "sending, not answered yet": Known(status(NodeState.SENDING, types=(CDS, SILENT))),
    "waiting": Known(status(NodeState.WAITING), waits=[WAIT, Wait(Ref(ROUTES, "api/x"), (), -2.0)]),
    "refused": Known(status(NodeState.REFUSED, refusals=(BAD,)), lines=LINES),
    "refused, for a passing cause": Known(status(NodeState.REFUSED, refusals=(IN_USE,))),
    "refused, nobody knows what": Known(status(NodeState.REFUSED, "the cluster answer was refused: no")),
    "stalled, silent": Known(status(NodeState.STALLED, types=(CDS, SILENT))),
    "stalled, after a refusal": Known(
        status(NodeState.STALLED, refusals=(BAD,)), lines=LINES, waits=[replace(WAIT, since=-26.0)]
    ),
    "held": Known(status(NodeState.HELD, f"wave 1 of 3 of {NODE.view} waits for web@host-3")),
    "held, because others refused it": Known(
        status(NodeState.HELD, "endpoints users/v1 is held back"), spared=[Spared(BAD, 2)], lines=LINES
    ),
    "held, because others did not answer": Known(
        status(NodeState.HELD, "routes egress/web is held back"),
        spared=[Spared(UNANSWERED, 2, silent=True)],
        lines=LINES,
    ),
    "orphan": Known(status(NodeState.ORPHAN)),
    "unknown": Known(status(NodeState.UNKNOWN), unknown="unknown service 'wbe'; the nearest name is 'web'"),
    "unknown, and on its way": Known(
        status(NodeState.UNKNOWN), unknown="its view is compiled soon", coming=True
    ),
    "synced, and too old": Known(replace(SYNCED, node=replace(NODE, client="1.35"))),
    "disconnected": Known(replace(SYNCED, connected=False, last_seen=-600.0)),
    "disconnected, after a refusal": Known(
        status(NodeState.REFUSED, refusals=(BAD,), connected=False, last_seen=-600.0), lines=LINES
    ),
    "synced, and an entry that it reaches is broken": Known(
        SYNCED, reaches=frozenset({"web", "users"}), held={USERS: (NO_PORT,)}
    ),
    "synced, and the catalog is guarded": Known(
        SYNCED,
        reaches=frozenset({"web", "users"}),
        guarded=Losses({"service users": frozenset({USERS}), "service mail": frozenset({"a/mail.yaml"})}),
    ),
    "synced, and nothing on disk can be published": Known(
        SYNCED, unusable="nothing of the last change is published: mesh.yaml not served as on disk"
    ),
    "synced, and an entry elsewhere is broken": Known(
        SYNCED, reaches=frozenset({"web"}), held={USERS: (NO_PORT,)}, unserved=frozenset({USERS})
    ),
}


def clock(moment: float | None) -> Timestamp | None:
    """Moments are seconds from now."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromNanoseconds(round((NOW.timestamp() + moment) * 1e9))
    return stamp


def told(known: Known) -> Iterator[str]:
    status = known.status
    node = pb.Node(
        id=status.node.id,
        state=status.state.value,
        connected=status.connected,
        state_since=clock(status.state_since),
    )
    causes = [cause_message(one, SOURCES, clock) for one in why(known)]
    answer = MessageToDict(
        pb.GetWhyResponse(node=node, causes=causes),
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    return why_lines(cast(Why, answer), NOW)


def test_each_state_is_told_with_its_causes(golden: Golden) -> None:
    sections = [Section(name, "\n".join(told(known)) + "\n") for name, known in CASES.items()]
    purpose = "What `meshctl fleet why NODE` says, by what is known of the node."
    # Colours are a terminal's; what is compared is what a pipe gets.
    plain = [Section(one.title, click.unstyle(one.body)) for one in sections]
    golden.check(GOLDEN, Case(purpose, tuple(plain)))


def test_no_state_is_without_a_case() -> None:
    assert {known.status.state for known in CASES.values()} == set(NodeState)

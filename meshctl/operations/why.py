"""Why a node is in its state: the causes in plain words, the weightiest first, and what to do about each.

May import all layers below. Pure: what is known goes in, causes come out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import assert_never

from meshctl.fleet.fleet import NodeState, NodeStatus, Refusal
from meshctl.fleet.node import OLDEST
from meshctl.names import Role
from meshctl.operations.known import Known, Wait
from meshctl.problems import Finding, Span
from meshctl.xds.types import called


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason: in a sentence, with Envoy's words where it said any, the lines, and what to do next.

    `kind` is one word: the state that it explains, or what of the catalog is not served as it stands.
    `since` is in the clock of whoever asks, None where nobody noted it.
    """

    kind: str
    words: str
    since: float | None = None
    said: str = ""
    spans: tuple[Span, ...] = ()
    steps: tuple[str, ...] = ()


def why(known: Known) -> tuple[Cause, ...]:
    """The causes, the weightiest first: the node's own, then the catalog's. Never none."""
    own = (*_away(known.status), *_own(known), *_unsupported(known.status))
    catalog = tuple(_catalog(known))
    return (*own, *catalog) or (_synced(known.status),)


def _away(status: NodeStatus) -> Iterator[Cause]:
    if not status.connected:
        yield Cause(
            "disconnected",
            "no stream of this node is open; an Envoy that still runs keeps what it has. What follows is the"
            " last that was known",
            status.last_seen,
            steps=(
                "on its machine: see whether Envoy runs, and whether it reaches this server's xDS address",
                "curl -s 127.0.0.1:15000/stats?filter=control_plane.connected_state   # 1: connected",
            ),
        )


def _own(known: Known) -> Iterator[Cause]:
    status = known.status
    match status.state:
        case NodeState.SYNCED:
            return
        case NodeState.UNKNOWN:
            yield _unknown(known)
        case NodeState.ORPHAN:
            yield _orphan(status)
        case NodeState.HELD:
            yield from _held(known)
        case NodeState.REFUSED | NodeState.STALLED | NodeState.WAITING | NodeState.SENDING:
            yield from _refused(known)
            yield from _unanswered(status)
            yield from _waiting(known.waits, stalled=status.state is NodeState.STALLED)
            yield from _sending(known)
        case state:
            assert_never(state)


def _unsupported(status: NodeStatus) -> Iterator[Cause]:
    if status.node.unsupported:
        oldest = ".".join(map(str, OLDEST))
        yield Cause("unsupported", status.node.unsupported, steps=(f"run Envoy {oldest} or newer",))


def _unknown(known: Known) -> Cause:
    status, option = known.status, _option(known.status)
    steps = (f"write the entry, or start the node with the right name: meshctl bootstrap {option}",)
    words = f"{known.unknown or status.reason}; its stream is held open and not answered"
    if known.coming:
        return Cause("unknown", f"{words} until then", status.state_since)
    return Cause("unknown", words, status.state_since, steps=steps)


def _option(status: NodeStatus) -> str:
    if status.node.role is Role.GATEWAY:
        return "gateway --gateway NAME"
    return "sidecar " + " ".join("--service NAME" for _ in status.node.services)


def _orphan(status: NodeStatus) -> Cause:
    names = ", ".join(status.node.targets)
    return Cause(
        "orphan",
        f"{names} is gone from the catalog; it keeps what it has, and gets updates of what still exists",
        status.state_since,
        steps=("stop this Envoy if it is meant, or bring the entry back (git revert, git checkout)",),
    )


def _refused(known: Known) -> Iterator[Cause]:
    for refusal in known.status.refusals:
        noun = called(refusal.ref)
        yield Cause(
            "refused",
            f"this Envoy refused {noun} (version {refusal.version}); it keeps what it accepted before, and"
            " everything that does not need it goes on",
            refusal.since,
            refusal.reason,
            tuple(known.lines.get(refusal.ref, ())),
            tuple(_repair(refusal)),
        )
    if known.status.state is NodeState.REFUSED and not known.status.refusals:
        words = f"{known.status.reason}; nothing of this type is sent until its view changes"
        yield Cause("refused", words, known.status.state_since, steps=(_CHANGE,))


def _held(known: Known) -> Iterator[Cause]:
    for one in known.spared:
        refusal = one.refusal
        many = "1 node" if one.nodes == 1 else f"{one.nodes} nodes"
        did = "did not answer" if one.silent else "refused it"
        version = f" (version {refusal.version})" if refusal.version else ""
        yield Cause(
            "held",
            f"{called(refusal.ref)} is given to no node of {known.status.view}, because {many} {did}"
            f"{version}; everything that does not need it goes on",
            refusal.since,
            refusal.reason,
            tuple(known.lines.get(refusal.ref, ())),
            _SPARED_SILENCE if one.silent else (_CHANGE_FOR_ALL,),
        )
    if not known.spared:
        yield Cause("held", known.status.reason, known.status.state_since, steps=_HELD)


_CHANGE_FOR_ALL = "repair the entry; its next version goes to one node first, as any change"

_SPARED_SILENCE = (
    "look at those nodes: meshctl fleet why NODE; once one of them answers, it goes to one node first again",
    "if they are to blame and not the change: meshctl apply --now; else repair the entry",
)

_HELD = (
    "it comes when the nodes before it have taken the change: meshctl fleet list, meshctl apply",
    "to give it to all nodes at once: meshctl apply --now",
)
"""A node that waits for its wave has nothing wrong with it."""

_CHANGE = "repair the entry; its next version is sent at once, and this line goes away when Envoy takes it"


def _repair(refusal: Refusal) -> Iterator[str]:
    if refusal.passing:
        yield "on its machine: ss -ltnp   # another process has the address; stop it, or change the address"
        yield "it is tried again, after 60 s at the latest"
    yield _CHANGE


def _unanswered(status: NodeStatus) -> Iterator[Cause]:
    stalled = status.state is NodeState.STALLED
    for one in status.types:
        if one.unanswered:
            words = f"the node has not answered the last {one.type} answer (version {one.sent})"
            more = "" if stalled else "; that takes milliseconds, or as long as its clusters warm"
            steps = _SILENT if stalled else ()
            yield Cause(status.state.value if stalled else "sending", words + more, one.sent_at, steps=steps)


_SILENT = (
    "on its machine: look at Envoy's log and load; curl -s 127.0.0.1:15000/server_info",
    "nothing is lost while it is silent, and nobody waits for it; it gets the newest state when it answers",
)


def _waiting(waits: Sequence[Wait], *, stalled: bool) -> Iterator[Cause]:
    for wait in waits[:_SHOWN]:
        what = ", ".join(called(ref) for ref in wait.refs[:_SHOWN]) or "what one of its virtual hosts needs"
        words = f"{called(wait.ref)} waits for {what}, which this node does not have yet"
        steps = ("read the other causes: what is waited for was refused, or not answered",) if stalled else ()
        yield Cause("stalled" if stalled else "waiting", words, wait.since, steps=steps)
    if len(waits) > _SHOWN:
        yield Cause("waiting", f"{len(waits) - _SHOWN} more resources wait")


_SHOWN = 5


def _sending(known: Known) -> Iterator[Cause]:
    status = known.status
    pending = not status.refusals and not known.waits and not tuple(_unanswered(status))
    if pending and status.state is not NodeState.REFUSED:
        yield Cause(status.state.value, status.reason or "changes are about to be sent", status.state_since)


def _catalog(known: Known) -> Iterator[Cause]:
    if known.unusable:
        steps = ("meshctl fleet list   # names the files", "bring the catalog back; it is read at once")
        yield Cause("unusable", known.unusable, steps=steps)
    losses = [name for name in known.guarded.names if name.split()[-1] in known.reaches]
    if losses:
        words = f"the files on disk would take away {', '.join(losses)}; that stays served"
        steps = (
            "bring the files back",
            f"or, if that is meant, on the server's machine: meshctl confirm {known.guarded.hash}",
        )
        yield Cause("guarded", words, steps=steps)
    for file, found in known.held.items():
        if PurePosixPath(file).stem in known.reaches | _SHARED:
            yield from _broken(found, served=file not in known.unserved)


_SHARED = frozenset({"mesh", "defaults"})
"""The files that every node's configuration is made from."""


def _broken(found: Iterable[Finding], *, served: bool) -> Iterator[Cause]:
    for one in found:
        rest = "it is served from its last good text" if served else "nothing is served of it"
        steps = (one.fix,) if one.fix else ()
        yield Cause("broken", f"{one.code} {one.message}; {rest}", spans=(one.span,), steps=steps)


def _synced(status: NodeStatus) -> Cause:
    words = f"it accepted everything that is published for it, up to revision {status.revision}"
    return Cause("synced", words, status.state_since)

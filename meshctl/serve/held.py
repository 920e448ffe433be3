"""What is held back from views, as it is told: in words, by node, and in the states of nodes.

May import the fleet, the snapshot, and its neighbours. Ordered when it changes, not when somebody asks.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from meshctl.fleet.fleet import NodeState, NodeStatus, Refusal
from meshctl.names import Ref
from meshctl.serve.lines import word
from meshctl.snapshot import Held
from meshctl.xds.types import TYPES, called

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A resource that no node of a view is given. `since` is in seconds of the epoch."""

    view: str
    ref: Ref
    held: Held

    def __str__(self) -> str:
        """Which one, and why, in one sentence."""
        return f"{called(self.ref)} is held back from {self.view}: {self.held.reason}"


@dataclass(frozen=True, slots=True)
class _OfView:
    """What is held back from one view, by name, and by the nodes that refused it or were silent."""

    all: Sequence[HeldBack]
    by_node: Mapping[str, Sequence[HeldBack]]
    words: str
    held: Mapping[Ref, Held] = field(repr=False)


_NOTHING = _OfView((), MappingProxyType({}), "", MappingProxyType({}))


class Told:
    """What is held back from all views. `ahead` is by how much the wall's clock is ahead of the streams'."""

    def __init__(self, ahead: Callable[[], float]) -> None:
        """Nothing is held back yet."""
        self._ahead = ahead
        self._of: dict[str, _OfView] = {}

    def note(self, view: str, held: Mapping[Ref, Held]) -> None:
        """What is held back from a view now; says in the log what is new of it, and what ended."""
        known = self._of.pop(view, _NOTHING)
        if held is known.held:
            if held:
                self._of[view] = known
            return
        _log(view, known.held, held)
        if held:
            self._of[view] = _of_view(view, held)

    def views(self) -> Sequence[str]:
        """The views from which something is held back, by name."""
        return sorted(self._of)

    def of(self, view: str) -> Sequence[HeldBack]:
        """What is held back from one view, by name."""
        return self._of.get(view, _NOTHING).all

    def of_node(self, view: str, node: str) -> Sequence[HeldBack]:
        """What of it this node, by its id, refused, or was silent about."""
        return self._of.get(view, _NOTHING).by_node.get(node, ())

    def shown(self, statuses: Iterable[NodeStatus]) -> Iterator[NodeStatus]:
        """Statuses as people see them: who has all, but for what is held back, is held, or refused it."""
        return (self._shown(status) for status in statuses)

    def since(self, one: HeldBack) -> float:
        """Since when, in the clock of the streams."""
        return one.held.since - self._ahead()

    def refusal(self, one: HeldBack) -> Refusal:
        """What is held back as a refusal, in the clock of the streams."""
        return Refusal(one.ref, one.held.version, one.held.reason, self.since(one))

    def _shown(self, status: NodeStatus) -> NodeStatus:
        found = self._of.get(status.view)
        if found is None or status.state is not NodeState.SYNCED:
            return status
        own = [one for one in found.by_node.get(status.node.id, ()) if not one.held.silent]
        first = own[0] if own else found.all[0]
        since = max(self.since(first), status.connected_since or 0.0)
        if not own:
            return replace(status, state=NodeState.HELD, reason=found.words, state_since=since)
        reason = f"{called(first.ref)} was refused: {first.held.reason}"
        refusals = tuple(self.refusal(one) for one in own)
        return replace(status, state=NodeState.REFUSED, reason=reason, refusals=refusals, state_since=since)


def _of_view(view: str, held: Mapping[Ref, Held]) -> _OfView:
    told = [HeldBack(view, ref, one) for ref, one in sorted(held.items(), key=lambda item: item[0])]
    by_node: dict[str, list[HeldBack]] = {}
    for one in told:
        for node in one.held.nodes:
            by_node.setdefault(node, []).append(one)
    return _OfView(told, by_node, str(told[0]), held)


def _log(view: str, known: Mapping[Ref, Held], held: Mapping[Ref, Held]) -> None:
    for ref, one in held.items():
        if ref not in known or known[ref].version != one.version:
            log.error(
                "held for a view: view=%s resource=%s type=%s version=%s nodes=%d reason=%r",
                word(view),
                word(ref.name),
                TYPES[ref.type].short,
                word(one.version),
                len(one.nodes),
                one.reason,
            )
    for ref in sorted(known.keys() - held.keys()):
        log.info(
            "no longer held for a view: view=%s resource=%s type=%s",
            word(view),
            word(ref.name),
            TYPES[ref.type].short,
        )

"""How far changes are in their waves, in words and numbers.

May import the fleet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from meshctl.fleet.fleet import NodeState, NodeStatus, Refusal
from meshctl.fleet.silence import SILENCE
from meshctl.fleet.waves import Run, Stop

_TOLD = 5  # nodes that a wave waits for, by name


@dataclass(frozen=True, slots=True)
class Wave:
    """How far a change is in one view. `nodes` are connected, of which `reached` have taken it.

    `stopped` says why it does not go on by itself, empty while it does; then `node` is who it waits for, and
    `refusal` what that node refused, if it did. `since` is when the wave began. `returns_until`: up to when
    it waits for nodes that may come back after a start; None where that is not what it waits for.
    `goes_on_at`: when the next nodes are given it, None while somebody is awaited.
    """

    view: str
    wave: int
    waves: int
    reached: int
    nodes: int
    waits_for: tuple[str, ...]
    since: float
    returns_until: float | None = None
    goes_on_at: float | None = None
    stopped: str = ""
    node: str = ""
    refusal: Refusal | None = None

    def __str__(self) -> str:
        """The wave in one sentence."""
        who = f"wave {self.wave} of {self.waves} of {self.view}"
        if self.stopped:
            return f"{who} is stopped: {self.stopped}"
        if self.waits_for:
            return f"{who} waits for {', '.join(self.waits_for[:_TOLD])}"
        if not self.nodes:
            return f"{who} waits for a node to connect"
        if self.returns_until is not None:
            return f"{who} waits for nodes that may come back after the start"
        return f"{who} has reached {self.reached} of {self.nodes} {'node' if self.nodes == 1 else 'nodes'}"


def wave_of(name: str, run: Run, now: float) -> Wave:
    """How far the run through the view of this name is."""
    stop = run.stop(now)
    return Wave(
        name,
        run.wave,
        len(run.pace.shares),
        run.reached,
        run.nodes,
        tuple(run.waits_for),
        run.wave_since,
        run.returns_until(now),
        run.goes_on_at(now),
        why_stopped(stop),
        stop.node if stop else "",
        stop.refusal if stop else None,
    )


def why_stopped(stop: Stop | None) -> str:
    """Why a run does not go on by itself, in a sentence; "" while it does."""
    if stop is None:
        return ""
    if stop.refusal is None:
        return f"{stop.node} has not taken it for {SILENCE:g} s"
    return f"{stop.node} refused {stop.refusal.ref.name}: {stop.refusal.reason}"


def shown(statuses: Iterable[NodeStatus], runs: Mapping[str, Run], now: float) -> list[NodeStatus]:
    """Statuses as people see them: a node that has all it was given is held if a wave has yet to come.

    `runs` by the names of their views.
    """
    words: dict[str, str] = {}  # of each view's wave, which thousands of its nodes may be held by

    def one(status: NodeStatus) -> NodeStatus:
        run = runs.get(status.view)
        if run is None or status.state is not NodeState.SYNCED or run.is_led(status.node.id):
            return status
        if status.view not in words:
            words[status.view] = str(wave_of(status.view, run, now))
        since = max(run.since, status.connected_since or 0.0)
        return replace(status, state=NodeState.HELD, reason=words[status.view], state_since=since)

    return [one(status) for status in statuses]

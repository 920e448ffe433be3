"""How far what is published has come among the nodes, in the words of `meshctl apply`.

May import the shapes and the output beside it. Pure: the server's answer comes in.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from meshctl.cli.answers import Node, NodeList, wave_name, wave_reach, wave_waits

_SHOWN = 5  # names in one line
_BUSY = ("sending", "waiting")
_STALLED = "stalled"
_NOT_SERVED = {
    "unknown": "given nothing, since the catalog does not have what they stand for",
    "orphan": "left as they are, since what they stand for is gone from the catalog",
}


@dataclass(frozen=True, slots=True)
class Reach:
    """Who has it and who has not; all in words but for `having`, the number of connected nodes that have it.

    `stopped` does not go on by itself, `waiting` does; `stalled` are nodes that have not gone on for so long
    that nobody should wait for them. `absent`: views and nodes that will be given it when they are there.
    """

    stopped: Sequence[str]
    waiting: Sequence[str]
    stalled: Sequence[str]
    absent: Sequence[str]
    having: int

    @property
    def missing(self) -> str:
        """Who has not got it, in one line; "" where nobody is missing."""
        return "; ".join([*self.stopped, *self.waiting, *self.stalled])


def reach(fleet: NodeList) -> Reach:
    """How far what is published is among these nodes."""
    connected = [node for node in fleet["nodes"] if node["connected"]]
    return Reach(
        stopped=[*_stopped(fleet, connected)],
        waiting=[*_waiting(fleet, connected)],
        stalled=[f"{node['id']} is stalled: {node['reason']}" for node in connected if _is_stalled(node)],
        absent=[*_absent(fleet, connected)],
        having=sum(node["state"] not in _NOT_SERVED for node in connected),
    )


def some(names: Sequence[str]) -> str:
    """The first of these names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _stopped(fleet: NodeList, connected: Iterable[Node]) -> Iterator[str]:
    for wave in fleet["catalog"]["waves"]:
        if wave["stopped"]:
            yield f"{wave['view']}: {wave['stopped']}"
    for held in fleet["catalog"]["held"]:
        yield f"{held['view']}: {held['type']} {held['resource']} is held back: {held['reason']}"
    for node in connected:
        if node["state"] == "refused":
            yield f"{node['id']}: {node['reason']}"


def _waiting(fleet: NodeList, connected: Iterable[Node]) -> Iterator[str]:
    """Waves that have a node to go to, and nodes that have not answered yet."""
    for wave in fleet["catalog"]["waves"]:
        if wave["nodes"] and not wave["stopped"]:
            yield f"{wave_name(wave)}: {wave_reach(wave)}{wave_waits(wave)}"
    if busy := _ids(connected, _BUSY):
        yield f"not answered yet: {some(busy)}"


def _is_stalled(node: Node) -> bool:
    return node["state"] == _STALLED


def _absent(fleet: NodeList, connected: Iterable[Node]) -> Iterator[str]:
    """Whom no waiting helps: nodes that are not there, and those that the catalog gives nothing."""
    for wave in fleet["catalog"]["waves"]:
        if not wave["nodes"] and not wave["stopped"]:
            yield f"no node of {wave['view']} is connected: the change goes in waves when one comes"
    if away := sorted(node["id"] for node in fleet["nodes"] if not node["connected"]):
        yield f"away, and given it when they are back: {some(away)}"
    for state, words in _NOT_SERVED.items():
        if others := _ids(connected, (state,)):
            yield f"{words}: {some(others)}"


def _ids(nodes: Iterable[Node], states: Sequence[str]) -> list[str]:
    return sorted(node["id"] for node in nodes if node["state"] in states)

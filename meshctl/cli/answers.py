"""What `meshctl serve` answers, in the shapes of its JSON, and how commands say the parts that several show.

Imports the output beside it. Times are ISO 8601; what is not required is left out where it is not known.
"""

from dataclasses import dataclass
from typing import NotRequired, TypedDict

from meshctl.cli.output import plural


class Location(TypedDict):
    """A place in the catalog."""

    file: str
    line: int
    column: int


class BrokenEntry(TypedDict):
    """A problem of an entry, and what is served for it meanwhile."""

    location: Location
    code: str
    message: str
    fix: str
    serving: str


class Guarded(TypedDict):
    """What waits to be confirmed, and the hash that names it."""

    hash: str
    losses: list[str]


class Refusal(TypedDict):
    """A resource that a node refused."""

    type: str
    resource: str
    version: str
    reason: str
    locations: list[Location]
    since: NotRequired[str]


class Wave(TypedDict):
    """How far a change is among the nodes of one view."""

    view: str
    wave: int
    waves: int
    reached: int
    nodes: int
    waits_for: list[str]
    since: NotRequired[str]
    returns_until: NotRequired[str]
    goes_on_at: NotRequired[str]
    stopped: str
    node: str
    refusal: NotRequired[Refusal]


class Held(TypedDict):
    """A resource that no node of a view is given, because nodes refused it or were silent (`cause`)."""

    view: str
    type: str
    resource: str
    version: str
    reason: str
    since: NotRequired[str]
    nodes: int
    serving: str
    cause: str
    locations: list[Location]


class Catalog(TypedDict):
    """What is published; times are ISO 8601, as in all that follows."""

    state: str
    reason: str
    revision: str
    published_at: NotRequired[str]
    broken: list[BrokenEntry]
    guarded: NotRequired[Guarded]
    waves: list[Wave]
    held: list[Held]


class TypeStatus(TypedDict):
    """One type of resources at one node."""

    type: str
    sent: str
    acked: str
    nacked: str
    sent_at: NotRequired[str]
    acked_at: NotRequired[str]
    nacked_at: NotRequired[str]
    resources: int


class Waiting(TypedDict):
    """A resource that is not sent before the node has what it needs."""

    type: str
    resource: str
    waits_for: list[str]
    since: NotRequired[str]


class Node(TypedDict):
    """One node."""

    id: str
    cluster: str
    view: str
    state: str
    reason: str
    connected: bool
    connected_since: NotRequired[str]
    last_seen: NotRequired[str]
    user_agent: str
    protocol: str
    types: list[TypeStatus]
    refusals: list[Refusal]
    state_since: NotRequired[str]
    revision: str
    view_revision: str
    waiting: list[Waiting]


class NodeList(TypedDict):
    """All nodes."""

    nodes: list[Node]
    catalog: Catalog


class OneNode(TypedDict):
    """One node, and what it is served from."""

    node: Node
    catalog: Catalog


class Origin(TypedDict):
    """A line of the catalog, and whose it is."""

    location: Location
    entry: str
    team: str


class Cause(TypedDict):
    """One reason for a node's state."""

    kind: str
    words: str
    since: NotRequired[str]
    said: str
    origins: list[Origin]
    next: list[str]


class Why(TypedDict):
    """Why a node is in its state; the weightiest cause first."""

    node: Node
    causes: list[Cause]


@dataclass(frozen=True, slots=True)
class NodeResource:
    """One resource at one node: `body` is what it has, at `version`; `wanted` the version of its view."""

    type: str
    name: str
    state: str
    version: str
    body: bytes
    wanted: str
    reason: str


class Target(TypedDict):
    """Where a node listens, and the hosts that it answers for."""

    address: str
    hosts: list[str]


class Confirmed(TypedDict):
    """What was let go."""

    losses: list[str]


class Entry(TypedDict):
    """One file of the catalog as the server read it last."""

    file: str
    hash: str
    served: bool


def place(location: Location) -> str:
    """A place in the catalog, as an editor takes it."""
    return f"{location['file']}:{location['line']}:{location['column']}"


def wave_name(wave: Wave) -> str:
    """Which wave it is, of which view."""
    return f"wave {wave['wave']} of {wave['waves']} of {wave['view']}"


def wave_reach(wave: Wave) -> str:
    """How many nodes have taken it, of those that are connected."""
    return f"taken by {wave['reached']} of {plural(wave['nodes'], 'node')}"


def wave_waits(wave: Wave) -> str:
    """What it waits for, behind the rest of a sentence; "" for nothing that is known."""
    if wave["waits_for"]:
        return f"; waits for {', '.join(wave['waits_for'])}"
    if "returns_until" in wave:
        return "; waits for nodes that may come back after the start"
    return "; the next wave comes after the hold" if "goes_on_at" in wave else ""

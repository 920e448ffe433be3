"""What is known of a node when somebody asks why it is in its state: `operations.why` finds the causes in it.

May import all layers below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from meshctl.fleet.fleet import NodeStatus, Refusal
from meshctl.names import Ref
from meshctl.operations.guard import Losses
from meshctl.problems import Finding, Span


@dataclass(frozen=True, slots=True)
class Wait:
    """A resource that does not go out yet, and what it waits for; no names: a part of it waits."""

    ref: Ref
    refs: tuple[Ref, ...]
    since: float | None


@dataclass(frozen=True, slots=True)
class Spared:
    """A resource that no node of the view is given, because so many `nodes` refused it in these words.

    `silent`: they left it unanswered.
    """

    refusal: Refusal
    nodes: int
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of one node and of what is published.

    `unknown` says what of its names the catalog does not declare, "" if it declares all; or, where its view
    is `coming`, when. `lines` are those behind each refused resource, `spared` what others refused and this
    node is not given. `reaches` are the names of the entries that the node's view is made from. `held` are
    the files not served as they stand, with why; `unserved` those of which nothing is. `unusable` says why
    nothing of the catalog on disk can be published, "" if it can.
    """

    status: NodeStatus
    unknown: str = ""
    coming: bool = False
    lines: Mapping[Ref, Sequence[Span]] = field(default_factory=lambda: MappingProxyType({}))
    spared: Sequence[Spared] = ()
    waits: Sequence[Wait] = ()
    reaches: frozenset[str] = frozenset()
    held: Mapping[str, Sequence[Finding]] = field(default_factory=lambda: MappingProxyType({}))
    unserved: frozenset[str] = frozenset()
    guarded: Losses = field(default_factory=Losses)
    unusable: str = ""

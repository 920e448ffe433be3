"""A stream with a client that says exactly what a test lets it say."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from meshctl.fleet.node import GRPC, Node
from meshctl.names import TypeUrl
from meshctl.snapshot import Resource
from meshctl.xds import delta, sotw
from meshctl.xds.events import Amend, Dialect, Replace, Request, Send
from meshctl.xds.ordering import NeedsOrder, Ordering
from meshctl.xds.stream import Stream
from tests.support.xds_run import NODE
from tests.support.xds_world import Published

GRACE = 30.0
LIBRARY = replace(NODE, client=GRPC)
"""A node that is no Envoy: it may ask for anything first."""


class Peer:
    """One stream at event level. Time stands still but for `wait`."""

    def __init__(
        self,
        *resources: Resource,
        dialect: Dialect = delta.DIALECT,
        ordering: Ordering | None = None,
        node: Node = NODE,
    ):
        self.now = 100.0
        self.world = Published()
        self.stream = Stream(node, ordering=ordering or NeedsOrder(GRACE), dialect=dialect, now=self.now)
        if resources:
            self.publish(*resources)

    def publish(self, *resources: Resource) -> list[Send]:
        """The view holds exactly these now."""
        self.stream.publish(self.world.publish(resources), self.now)
        return self.stream.take_effects()

    def wait(self, seconds: float) -> list[Send]:
        """Time passes, and every deadline on the way is met."""
        end, sends = self.now + seconds, list[Send]()
        while (deadline := self.stream.deadline()) is not None and deadline <= end:
            self.now = deadline
            self.stream.tick(self.now)
            sends += self.stream.take_effects()
        self.now = end
        return sends

    def ask(
        self,
        type_url: TypeUrl,
        *names: str,
        drop: Iterable[str] = (),
        holds: Mapping[str, str] | None = None,
        nonce: str = "",
    ) -> list[Send]:
        """A delta request."""
        amend = Amend(frozenset(names), frozenset(drop), holds or {})
        return self._receive(Request(type_url, amend, nonce))

    def want(self, type_url: TypeUrl, *names: str, version: str = "", nonce: str = "") -> list[Send]:
        """A state-of-the-world request."""
        return self._receive(Request(type_url, Replace(frozenset(names), version), nonce))

    def ack(self, *sends: Send) -> list[Send]:
        """The client accepts these, by delta."""
        return [out for send in sends for out in self.ask(send.type, nonce=send.nonce)]

    def nack(self, send: Send, error: str = "no good") -> list[Send]:
        """The client refuses this, by delta."""
        return self._receive(Request(send.type, Amend(), send.nonce, error))

    def answer(self, send: Send, *names: str, error: str | None = None) -> list[Send]:
        """The client accepts or refuses this, by state of the world."""
        return self._receive(Request(send.type, Replace(frozenset(names), "v"), send.nonce, error))

    def _receive(self, request: Request) -> list[Send]:
        self.stream.receive(request, self.now)
        return self.stream.take_effects()


def sotw_peer(*resources: Resource, ordering: Ordering | None = None, node: Node = NODE) -> Peer:
    """A peer that speaks state of the world."""
    return Peer(*resources, dialect=sotw.DIALECT, ordering=ordering, node=node)


def names(send: Send) -> list[str]:
    """The names that an answer upserts."""
    return [one.key.name for one in send.upserts]


def kinds(sends: Iterable[Send]) -> list[str]:
    """The types of some answers, in their order: `["Cluster", "ClusterLoadAssignment"]`."""
    return [send.type.rpartition(".")[2] for send in sends]

"""A server and one node without wires between them: publisher, waves, a stream, and a client that refuses.

Time moves only when told.
"""

from collections.abc import Mapping
from dataclasses import replace

from meshctl.fleet.fleet import Fleet, NodeState, NodeStatus
from meshctl.fleet.node import Node
from meshctl.names import Ref, Role
from meshctl.serve.publish import Publisher
from meshctl.serve.seats import Seat
from meshctl.snapshot import Snapshot, ViewSnapshot
from meshctl.snapshot.disk import State
from meshctl.units import Duration
from meshctl.xds import delta
from meshctl.xds.ordering import NeedsOrder
from meshctl.xds.stream import Stream
from tests.support.catalogs import service
from tests.support.publishing import advance, change
from tests.support.refusing_client import Client, Edit

SERVICES = ("accounts", "sync", "voice")
NODE = Node("web@host", Role.SIDECAR, ("web",), client="1.40")
MESH = b"format: 1\nedition: 2026.11\nname: test\nwaves: {shares: [1, 50%, 100%], hold: 1s}\n"
GRACE = 5.0

_TICK = 1e-6  # seconds: a deadline is over once it has passed


class World:
    """The server with its state on disk, the node, and a clock."""

    def __init__(self, *, returns_s: float = 5.0, names_culprits: bool = False) -> None:
        """A node that has all of a good catalog."""
        self.now, self.client = 0.0, Client(names_culprits=names_culprits)
        self._returns_s, self._generation = returns_s, 1
        self._texts = {"mesh.yaml": MESH, "a/web.yaml": service("web", *SERVICES)}
        self._texts |= {f"a/{name}.yaml": Edit.ENDPOINTS.text(name, 1) for name in SERVICES}
        self._saved: dict[str, bytes] = {}
        self._states: list[State | None] = [None]
        self._seat: Seat | None = None
        self._published: ViewSnapshot | None = None
        self._awake = False
        self._start(None)
        self.connect(anew=True)
        self.pass_time(10.0)

    def edit(self, edits: Mapping[str, Edit]) -> None:
        """One publication of these services, each with endpoints that it never had."""
        self._generation += 1
        texts = {f"a/{name}.yaml": edit.text(name, self._generation) for name, edit in edits.items()}
        self._texts |= texts
        change(self._publisher, dict(texts))
        self._rest()

    def connect(self, *, anew: bool) -> None:
        """The stream ends, and the node opens another one."""
        if self._seat is not None:
            self._seat.close()
        self._open(anew=anew)

    def restart(self, *, lost: int, anew: bool) -> None:
        """Kill the server, which had not saved the newest `lost` states, and start it again."""
        self._states = self._states[: max(1, len(self._states) - lost)]
        self._start(self._states[-1])
        self._open(anew=anew)

    def occupy(self, *, taken: bool) -> None:
        """Another process has the address of the node's listeners, or not."""
        self.client.busy = taken

    def exchange(self, messages: int | None = None) -> None:
        """Take so many messages; all, until there are no more."""
        taken = 0
        while taken != messages and (self._receive() or self.client.take()):
            taken += 1
            assert taken < 1_000, "client and server never come to rest"
            self._rest()

    def pass_time(self, seconds: float, *, talk: bool = True) -> None:
        """With every deadline on the way; the node answers all the while, or nothing (`talk`)."""
        end = self.now + seconds
        while True:
            if talk:
                self.exchange()
            deadlines = (self._stream.deadline(), self._publisher.waves.agenda.deadline())
            time = min((one for one in deadlines if one is not None and one < end), default=None)
            self.now = end if time is None else max(self.now, time) + _TICK
            self._awake = True
            self._publisher.waves.agenda.stirred.set()
            self._rest()
            if time is None:
                break
        if talk:
            self.exchange()

    @property
    def newest(self) -> Mapping[Ref, str]:
        """The versions of what the node's view has, by name."""
        view = None if self._seat is None else self._seat.view()
        assert view is not None
        return {one.ref: one.version for one in view.under({}).resources()}

    @property
    def state(self) -> tuple[NodeState, str]:
        """The node's state as people see it, and why."""
        (shown,) = self._publisher.shown([self._status()])
        return shown.state, shown.reason

    def _start(self, state: State | None) -> None:
        self._publisher = Publisher(
            Fleet(),
            state,
            stale_limit=Duration.parse("1h"),
            save=self._save,
            now=lambda: self.now,
            clock=lambda: self.now,
            returns_s=self._returns_s,
        )
        self._publisher.holds.holding = lambda _node, ref: self._stream.holding(ref)
        self._publisher.begin(self._publisher.catalog.read(self._texts))

    def _save(self, texts: Mapping[str, bytes | None], snapshot: Snapshot) -> None:
        self._saved |= {file: text for file, text in texts.items() if text is not None}
        self._states.append(State(dict(self._saved), snapshot, self.now))

    def _open(self, *, anew: bool) -> None:
        self.client.connect(anew=anew)
        self._seat, self._published = self._publisher.open(NODE, self._wake), None
        self._stream = Stream(NODE, ordering=NeedsOrder(GRACE), dialect=delta.DIALECT, now=self.now)

    def _wake(self) -> None:
        self._awake = True

    def _receive(self) -> bool:
        if not self.client.outbox:
            return False
        self._stream.receive(self.client.outbox.popleft(), self.now)
        self._awake = True
        return True

    def _rest(self) -> None:
        """Let the stream and the waves do what they are woken for."""
        stirred = self._publisher.waves.agenda.stirred
        for _ in range(100):
            if self._awake:
                self._turn()
            elif stirred.is_set():
                stirred.clear()
                advance(self._publisher)
            else:
                return
        raise AssertionError("the server never comes to rest")

    def _turn(self) -> None:
        """What `xds.session` does when it is woken."""
        self._awake = False
        seat = self._seat
        assert seat is not None
        view = seat.view()
        self._stream.search(seat.is_found, turn=seat.has_turn)
        if view is not None and view is not self._published:
            self._published = view
            self._stream.publish(view, self.now)
        else:
            self._stream.tick(self.now)
        self.client.inbox.extend(self._stream.take_effects())
        status = self._status()
        self._publisher.hear(status)
        refused = frozenset((one.ref, one.version) for one in status.refusals)
        seat.tell(refused, in_doubt=self._stream.in_doubt(self.now))

    def _status(self) -> NodeStatus:
        status = self._stream.status(self.now)
        return replace(status, view=status.view or NODE.view)

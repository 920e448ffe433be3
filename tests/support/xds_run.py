"""A stream and a model client with wires between them, stepped one message at a time; invariants watched."""

from collections.abc import Iterable

from meshctl.fleet.fleet import NodeState
from meshctl.fleet.node import Node
from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Ref, Role, TypeUrl
from meshctl.xds.events import Amend, Request, digest
from meshctl.xds.limits import LIMITS
from meshctl.xds.ordering import NeedsOrder, Ordering
from meshctl.xds.session import DELTA, SOTW, Variant
from meshctl.xds.stream import Stream
from tests.support.xds_client import Answer, DeltaWire, Envoy, SotwWire, named_clusters
from tests.support.xds_world import GOOD, Catalog, Published

GRACE = 5.0
NODE = Node("web@host", Role.SIDECAR, ("web",), client="1.40")


class Violation(AssertionError):
    """A rule of the protocol, or of the order by needs, was broken."""


class Run:
    """One client and one server. Time moves only when told."""

    def __init__(self, variant: Variant, ordering: Ordering | None = None) -> None:
        self.variant, self.ordering = variant, ordering or NeedsOrder(GRACE)
        self.now = 1000.0
        self.world = Published()
        self.envoy = Envoy(DeltaWire() if variant is DELTA else SotwWire())
        self.envoy.wait(self.now)
        self.down: list[bytes] = []
        self._refused: frozenset[tuple[Ref, str]] = frozenset()
        self._sent: dict[tuple[TypeUrl, str], Answer] = {}
        self._had: dict[TypeUrl, set[str]] = {}
        self.stream = self._open()

    def publish(self, catalog: Catalog) -> None:
        """The catalog changed, and the stream is told."""
        self.change(catalog)
        for ref in self._claims:
            if self._has(ref):
                self._had[ref.type].add(ref.name)
        self.stream.publish(self.world.view, self.now)
        self._flush()

    def change(self, catalog: Catalog) -> None:
        """The catalog changed while the server was down, or before the stream is told."""
        resources = catalog.compile()
        bad = ((one.ref, one.version) for one in resources if b" good" not in one.head)
        self._refused |= frozenset(bad)
        self.world.publish(resources, refused=self._refused)

    @property
    def has_clusters(self) -> bool:
        """Whether the client acknowledged clusters on this stream."""
        return bool(self._had[CLUSTER])

    def prune(self) -> None:
        """Forget what the client has let go of."""
        self.world.forget(self.stream.status(self.now).revision)

    def up(self) -> bool:
        """Deliver one request. Returns whether there was one."""
        if not self.envoy.outbox:
            return False
        request = self.variant.decode(self.envoy.outbox.pop(0), LIMITS).request
        self._note(request)
        self.stream.receive(request, self.now)
        self._flush()
        return True

    def deliver(self) -> bool:
        """Deliver one answer. Returns whether there was one."""
        if not self.down:
            return False
        self.envoy.receive(self.down.pop(0))
        self._check_client()
        return True

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with every deadline on the way."""
        end = self.now + seconds
        while (deadline := self.stream.deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.stream.tick(self.now)
            self._flush()
        self.now = end
        self.envoy.wait(end, idle=not (self.down or self.envoy.outbox))

    def reconnect(self, catalog: Catalog | None = None) -> None:
        """Lose everything on the wires; open a new stream, with another catalog if one is given."""
        if catalog is not None:
            self.change(catalog)
        self.down.clear()
        self.stream = self._open()
        self.envoy.connect()
        self.stream.publish(self.world.view, self.now)
        self._flush()

    def exchange(self) -> None:
        """Deliver messages until both sides are silent."""
        for _ in range(500):
            if not (self.up() or self.deliver()):
                return
        raise Violation("client and server never come to rest")

    def settle(self) -> None:
        """Deliver everything and let all graces pass."""
        for _ in range(6):
            self.exchange()
            self.pass_time(GRACE + 1)
        self.exchange()

    def check_end(self) -> None:
        """In the end the client holds its view and nothing else, and the server knows it."""
        view = self.world.view
        for type_url in (CLUSTER, ENDPOINTS, LISTENER, ROUTES):
            held = dict(self.envoy.held(type_url))
            shall = {one.key.name: one.body.decode() for one in view.resources(type_url)}
            if type_url in (ENDPOINTS, ROUTES):
                state = self.envoy.types.get(type_url)
                shall = {name: text for name, text in shall.items() if state and name in (state.names or ())}
            if held != shall:
                raise Violation(f"{type_url} in the end: {held} and not {shall}")
        status = self.stream.status(self.now)
        if status.state is not NodeState.SYNCED or status.revision != view.revision:
            raise Violation(f"in the end the server thinks: {status}")

    def _open(self) -> Stream:
        self._sent.clear()
        self._claims: dict[Ref, str] = {}
        self._had = {CLUSTER: set(), ENDPOINTS: set(), LISTENER: set(), ROUTES: set()}
        return Stream(NODE, ordering=self.ordering, dialect=self.variant.dialect, now=self.now)

    def _note(self, request: Request) -> None:
        """Keep our own record of what is acknowledged, or named at the view's hash."""
        had = self._had[request.type]
        answer = self._sent.pop((request.type, request.nonce), None)
        if answer is not None and request.error is None:
            if answer.whole:
                had.clear()
            had.update(answer.texts)
            had.difference_update(answer.removed)
            for name in answer.removed:
                self._claims.pop(Ref(request.type, name), None)
        if isinstance(request.names, Amend):
            for name, version in request.names.versions.items():
                self._claims[Ref(request.type, name)] = version
                if self._has(Ref(request.type, name)):
                    had.add(name)
        elif request.type in (CLUSTER, LISTENER) and request.names.version:
            shall = tuple(self.world.view.resources(request.type))
            if request.names.version.partition("-")[0] == digest(shall):
                self._claims.update((one.ref, one.version) for one in shall)
                had.update(one.key.name for one in shall)

    def _flush(self) -> None:
        for send in self.stream.take_effects():
            data = self.variant.encode(send, "test")
            answer = self.envoy.wire.read(data)
            self._check_needs(answer)
            self._check_removals(answer)
            self._sent[answer.type, answer.nonce] = answer
            self.down.append(data)

    def _check_needs(self, answer: Answer) -> None:
        for name in self._needed(answer):
            endpoints = self.world.view.get(Ref(ENDPOINTS, name))
            has = self._has(Ref(CLUSTER, name)) and (endpoints is None or self._has(Ref(ENDPOINTS, name)))
            held = self.envoy.endpoints.get(name, "")
            if endpoints is not None and not endpoints.empty and held.endswith("empty"):
                raise Violation(f"{answer.texts} went out while {name} had no endpoints")
            if not has:
                raise Violation(f"{answer.texts} went out before {name} was had")

    def _has(self, ref: Ref) -> bool:
        resource = self.world.view.get(ref)
        named = resource is not None and self._claims.get(ref) == resource.version
        return named or ref.name in self._had[ref.type]

    def _needed(self, answer: Answer) -> Iterable[str]:
        if answer.type == ROUTES:
            for text in answer.texts.values():
                yield from named_clusters(text)
        if answer.type == LISTENER:
            held = self.envoy.listeners
            for name, text in answer.texts.items():
                routes = self.world.view.get(Ref(ROUTES, text.split()[5]))
                if held.get(name) == text or routes is None or self._is_named(Ref(LISTENER, name)):
                    continue
                for cluster in named_clusters(routes.body.decode()):
                    if not self._is_refusable(cluster):
                        yield cluster

    def _is_named(self, listener: Ref) -> bool:
        """Whether the first answer repeats what the client says it has.

        It may have lost it: what came instead was refused after Envoy had made room for it.
        """
        shall = self.world.view.get(listener)
        first = not self.envoy.types[LISTENER].answered
        return first and shall is not None and self._claims.get(listener) == shall.version

    def _is_refusable(self, name: str) -> bool:
        pair = (self.world.view.get(Ref(CLUSTER, name)), self.world.view.get(Ref(ENDPOINTS, name)))
        return any(one is not None and one.head.decode().split()[3] != GOOD for one in pair)

    def _check_removals(self, answer: Answer) -> None:
        if answer.type != CLUSTER:
            return
        gone = answer.removed
        if answer.whole:
            gone = frozenset(self.envoy.clusters) - answer.texts.keys()
        held = list(self.envoy.routes.values())
        for data in self.down:
            queued = self.envoy.wire.read(data)
            if queued.type == ROUTES:
                held += queued.texts.values()
        used = {name for text in held for name in named_clusters(text)}
        if gone & used:
            raise Violation(f"{gone & used} removed while routes lead there")

    def _check_client(self) -> None:
        if self.envoy.unserved():
            raise Violation(f"requests fail: {self.envoy.unserved()}")
        if self.envoy.needless:
            raise Violation(f"an answer that changes nothing: {self.envoy.needless[0]}")
        if self.envoy.complaints:
            raise Violation(self.envoy.complaints[0])


VARIANTS = (DELTA, SOTW)

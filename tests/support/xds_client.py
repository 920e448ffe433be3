"""A model of Envoy as a client of xDS, over both variants, with the habits that were seen on 1.40.

It asks for endpoints after clusters and for routes after listeners, says nothing of clusters while some of
them warm, drops what it no longer refers to, and says what it has when it reconnects.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from envoy.service.discovery.v3.discovery_pb2 import (
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)

from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, TypeUrl
from meshctl.xds.types import TYPES
from tests.support.xds_world import GOOD, WHOLE

PATIENCE = 15.0
"""Seconds for which Envoy waits for the endpoints of a cluster, or for a listener's routes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as the client sees it: texts by name; `whole`: nothing else shall be held."""

    type: TypeUrl
    nonce: str
    version: str
    texts: Mapping[str, str]
    versions: Mapping[str, str]
    removed: frozenset[str]
    whole: bool


class Wire(Protocol):
    """A variant of the protocol as the client writes and reads it."""

    def read(self, data: bytes) -> Answer: ...

    def ask(self, state: "TypeState", *, first: bool, before: frozenset[str]) -> bytes: ...

    def reply(self, state: "TypeState", error: str | None) -> bytes: ...


@dataclass(slots=True)
class TypeState:
    """What the client keeps of one type; `names` None: everything."""

    type: TypeUrl
    names: frozenset[str] | None
    nonce: str = ""
    version: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    asked: bool = False
    answered: bool = False


class DeltaWire:
    """The delta variant."""

    def read(self, data: bytes) -> Answer:
        message = DeltaDiscoveryResponse.FromString(data)
        names = [one.name for one in message.resources]
        assert len(names) == len(set(names)), "a name twice in one answer"
        return Answer(
            TypeUrl(message.type_url),
            message.nonce,
            message.system_version_info,
            {one.name: one.resource.value.decode() for one in message.resources},
            {one.name: one.version for one in message.resources},
            frozenset(message.removed_resources),
            whole=False,
        )

    def ask(self, state: TypeState, *, first: bool, before: frozenset[str]) -> bytes:
        names = state.names or frozenset[str]()
        message = DeltaDiscoveryRequest(
            type_url=state.type,
            resource_names_subscribe=sorted(names if first else names - before),
            resource_names_unsubscribe=[] if first else sorted(before - names),
            initial_resource_versions=state.versions if first else {},
        )
        return _signed(message)

    def reply(self, state: TypeState, error: str | None) -> bytes:
        message = DeltaDiscoveryRequest(type_url=state.type, response_nonce=state.nonce)
        if error is not None:
            message.error_detail.message = error
        return message.SerializeToString()


class SotwWire:
    """The state-of-the-world variant."""

    def read(self, data: bytes) -> Answer:
        message = DiscoveryResponse.FromString(data)
        texts = [one.value.decode() for one in message.resources]
        by_name = {text.split()[1]: text for text in texts}
        assert len(by_name) == len(texts), "a name twice in one answer"
        type_url = TypeUrl(message.type_url)
        whole = TYPES[type_url].complete
        return Answer(type_url, message.nonce, message.version_info, by_name, {}, frozenset(), whole)

    def ask(self, state: TypeState, *, first: bool, before: frozenset[str]) -> bytes:
        return self._request(state, None)

    def reply(self, state: TypeState, error: str | None) -> bytes:
        return self._request(state, error)

    def _request(self, state: TypeState, error: str | None) -> bytes:
        message = DiscoveryRequest(
            type_url=state.type,
            version_info=state.version,
            resource_names=sorted(state.names or ()),
            response_nonce=state.nonce,
        )
        if error is not None:
            message.error_detail.message = error
        return _signed(message) if not state.nonce else message.SerializeToString()


def _signed(message: DeltaDiscoveryRequest | DiscoveryRequest) -> bytes:
    message.node.id, message.node.cluster = "web@host", "web"
    return message.SerializeToString()


@dataclass(slots=True)
class Warm:
    """A cluster: its text, whether it waits for endpoints, and whether it has any to send traffic to."""

    text: str
    since: float
    warming: bool = True
    ready: bool = False


class Envoy:
    """The client. `outbox` is what it has sent; `complaints` what a server must not do to it."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.outbox: list[bytes] = []
        self.complaints: list[str] = []
        self.clusters: dict[str, Warm] = {}
        self.endpoints: dict[str, str] = {}
        self.listeners: dict[str, str] = {}
        self.routes: dict[str, str] = {}
        self.types: dict[TypeUrl, TypeState] = {}
        self._started = False
        self._held_reply: str | None = None
        self._holds_reply = False
        self._excused: dict[TypeUrl, set[str]] = {}
        self.received = 0
        self.needless: list[Answer] = []
        self.now = 0.0
        self._reset()

    def _reset(self) -> None:
        self._untold = False
        # Routes and endpoints stay asked for; all of a stream's own state is new.
        self._holds_reply = False
        for state in self.types.values():
            state.nonce, state.asked, state.answered = "", False, False
        self._excused = {CLUSTER: set(), ENDPOINTS: set(), LISTENER: set(), ROUTES: set()}
        self._refused_endpoints: set[str] = set()
        clusters = self.types.get(CLUSTER)
        if clusters is not None:
            # What it took of an answer that it refused is not named either.
            self._excused[CLUSTER].update(self.clusters.keys() - clusters.versions.keys())
        if isinstance(self.wire, SotwWire):
            # It cannot say which endpoints and routes it holds, so each comes once on a new stream.
            # Nor which clusters: each may be an old one, so their endpoints follow them too.
            self._excused[ENDPOINTS].update(self.endpoints)
            self._excused[ROUTES].update(self.routes)
            self._untold = True

    @property
    def is_silent(self) -> bool:
        """Whether it has not asked for clusters on this stream, as some of those it has are warming."""
        return CLUSTER in self.types and not self.types[CLUSTER].asked

    def connect(self) -> None:
        """Open a stream: ask for clusters, and for all else that was asked for before, in one burst.

        While a cluster warms it says nothing of clusters, not even that it wants them.
        """
        self.outbox.clear()
        self._reset()
        self.types.setdefault(CLUSTER, TypeState(CLUSTER, None))
        for type_url in (CLUSTER, ENDPOINTS, LISTENER, ROUTES):
            state = self.types.get(type_url)
            if type_url == CLUSTER and self._started and self._warming():
                # The server can know that some warm, and not which: it repeats the endpoints of all.
                self._excused[ENDPOINTS].update(self.endpoints)
            elif state is not None and (state.names is None or state.names):
                self._ask(state)

    def receive(self, data: bytes) -> None:
        """Take an answer in."""
        self.received += 1
        answer = self.wire.read(data)
        state = self.types[answer.type]
        state.nonce = answer.nonce
        self._judge(answer, state)
        state.answered = True
        error = {
            CLUSTER: self._clusters,
            ENDPOINTS: self._endpoints,
            LISTENER: self._listeners,
            ROUTES: self._routes,
        }[answer.type](answer)
        if error is None:
            state.version = answer.version
            state.versions.update(answer.versions)
            self._excused[answer.type].difference_update(answer.texts, answer.removed)
        else:
            self._excused[answer.type].update(answer.texts, answer.removed)
            # What it took of this it names at the version before, if there was one. (Should the view have
            # gone back to just that one, nobody could see through it: so it is not quite that one here.)
            held = self.held(answer.type)
            for name, text in answer.texts.items():
                if held.get(name) == text and name in state.versions:
                    state.versions[name] = "before " + state.versions[name]
        self._forget(state)
        self._conclude(answer.type, error)

    def wait(self, now: float, *, idle: bool = False) -> None:
        """Time passes: after 15 s a cluster stops waiting and takes the endpoints that it had.

        `idle`: nothing is on the wires, so that nothing is to come.
        """
        self.now = now
        for name, one in self.clusters.items():
            if one.warming and now - one.since >= PATIENCE:
                one.warming, one.ready = False, name in self.endpoints
                if idle and name not in self._refused_endpoints:
                    self.complaints.append(f"{name} waited {PATIENCE} s for endpoints")
        self._speak_of_clusters()

    def unserved(self) -> list[str]:
        """Requests that would fail now: routes of a listener that lead to a cluster without endpoints."""
        out = []
        for text in self.listeners.values():
            held = self.routes.get(_routes_of(text))
            for name in named_clusters(held or ""):
                one = self.clusters.get(name)
                if one is None or not one.ready:
                    out.append(f"{text.split()[1]} -> {name}: {one}")
        return out

    def _conclude(self, type_url: TypeUrl, error: str | None) -> None:
        if type_url == CLUSTER:
            self._held_reply, self._holds_reply = error, True
        self._speak_of_clusters()
        if type_url != CLUSTER:
            self._reply(type_url, error)
        if not self._started and self.clusters and not self._warming():
            self._started = True
            self.types[LISTENER] = TypeState(LISTENER, None)
            self._ask(self.types[LISTENER])

    def _speak_of_clusters(self) -> None:
        """Say what waited until clusters are warm; before listeners are asked for, it does not wait."""
        if CLUSTER not in self.types or (self._started and self._warming()):
            return
        if not self.types[CLUSTER].asked:
            self._ask(self.types[CLUSTER])
        elif self._holds_reply:
            self._reply(CLUSTER, self._held_reply)
        self._holds_reply = False

    def _warming(self) -> bool:
        return any(one.warming for one in self.clusters.values())

    def _clusters(self, answer: Answer) -> str | None:
        # A changed cluster's endpoints come again, in the same breath: the server cannot know yet whether
        # it is accepted, nor what was taken of an answer that was refused before.
        held = self.held(CLUSTER)
        changed = {name for name, text in answer.texts.items() if self._untold or held.get(name) != text}
        self._untold = False
        self._excused[ENDPOINTS] |= changed | (self._excused[CLUSTER] & answer.texts.keys())
        bad, error = _refusals(answer, "cluster")
        if error is not None and not bad:
            return error
        before = dict(self.clusters)
        for name, text in answer.texts.items():
            old = self.clusters.get(name)
            if name in bad or (old is not None and old.text == text):
                continue
            self.clusters[name] = Warm(text, self.now, ready=old is not None and old.ready)
        for name in self._gone(answer, self.clusters):
            del self.clusters[name]
            self.endpoints.pop(name, None)
        again = any(one.warming and name in before for name, one in self.clusters.items())
        self._want(ENDPOINTS, self.clusters, repeat=again)
        return error

    def _endpoints(self, answer: Answer) -> str | None:
        bad = [text for text in answer.texts.values() if _quality(text) != GOOD]
        names = self.types[ENDPOINTS].names or ()
        if not any(_quality(text) == WHOLE for text in bad):
            for name, text in answer.texts.items():
                if name in names and _quality(text) == GOOD and name in self.clusters:
                    self.endpoints[name] = text
                    self.clusters[name].warming, self.clusters[name].ready = False, True
        if not bad:
            return None
        self._refused_endpoints.update(text.split()[1] for text in bad)
        # Any refusal of endpoints ends all warming; a changed cluster then stands without any.
        for one in self.clusters.values():
            if one.warming:
                one.warming, one.ready = False, False
        return "malformed IP address: localhost"

    def _listeners(self, answer: Answer) -> str | None:
        bad, error = _refusals(answer, "listener")
        if error is not None and not bad:
            return error
        for name in self._gone(answer, self.listeners):
            del self.listeners[name]
        for name, text in answer.texts.items():
            rivals = {_address(one) for other, one in self.listeners.items() if other != name}
            if _address(text) in rivals:
                bad.add(name)
                self.complaints.append(f"{name} has the address of a held listener")
                error = f"Error adding/updating listener(s) {name}: duplicate address"
            if name not in bad:
                self.listeners[name] = text
        self._want(ROUTES, {_routes_of(text) for text in self.listeners.values()})
        for name in self.routes.keys() - (self.types[ROUTES].names or frozenset()):
            del self.routes[name]
        return error

    def _routes(self, answer: Answer) -> str | None:
        if any(_quality(text) != GOOD for text in answer.texts.values()):
            return "missing ): (("
        names = self.types[ROUTES].names or ()
        self.routes.update({name: text for name, text in answer.texts.items() if name in names})
        return None

    def _gone(self, answer: Answer, held: Mapping[str, object]) -> list[str]:
        if answer.whole:
            return [name for name in held if name not in answer.texts]
        return [name for name in answer.removed if name in held]

    def _want(self, type_url: TypeUrl, names: Iterable[str], *, repeat: bool = False) -> None:
        wanted = frozenset(names)
        state = self.types.setdefault(type_url, TypeState(type_url, frozenset()))
        before, state.names = state.names or frozenset[str](), wanted
        self._excused[type_url] |= wanted - before
        self._forget(state)
        if not state.asked:
            if wanted:
                self._ask(state)
        elif wanted != before or (repeat and isinstance(self.wire, SotwWire)):
            self.outbox.append(self.wire.ask(state, first=False, before=before))

    def _ask(self, state: TypeState) -> None:
        state.asked = True
        self._forget(state)
        self.outbox.append(self.wire.ask(state, first=True, before=frozenset()))

    def _reply(self, type_url: TypeUrl, error: str | None) -> None:
        self.outbox.append(self.wire.reply(self.types[type_url], error))

    def _forget(self, state: TypeState) -> None:
        """A version is named at a reconnect only for what is held."""
        held = self.held(state.type)
        for name in state.versions.keys() - held.keys():
            del state.versions[name]

    def held(self, type_url: TypeUrl) -> Mapping[str, str]:
        """The texts held of one type."""
        if type_url == CLUSTER:
            return {name: one.text for name, one in self.clusters.items()}
        tables = {ENDPOINTS: self.endpoints, LISTENER: self.listeners, ROUTES: self.routes}
        return tables[type_url]

    def _judge(self, answer: Answer, state: TypeState) -> None:
        """An answer must change something, but for those that the protocol asks for anyway."""
        held, excused = self.held(answer.type), self._excused[answer.type]
        differs = any(held.get(name) != text for name, text in answer.texts.items())
        gone = self._gone(answer, held)
        known = excused & (answer.texts.keys() | answer.removed) or (answer.whole and excused)
        if state.answered and not differs and not gone and not known:
            self.needless.append(answer)


def _refusals(answer: Answer, noun: str) -> tuple[set[str], str | None]:
    bad = {name for name, text in answer.texts.items() if _quality(text) != GOOD}
    if not bad:
        return set(), None
    if any(_quality(answer.texts[name]) == WHOLE for name in bad):
        return set(), "Invalid duration: Expected positive duration: goo.gle/debugstr  \nseconds: -1\n"
    words = ", ".join(f"{name}: no good" for name in sorted(bad))
    return bad, f"Error adding/updating {noun}(s) {words}"


def named_clusters(text: str) -> list[str]:
    """The clusters that a route configuration's text names."""
    hosts = (line.partition("=")[2] for line in text.splitlines()[1:])
    return [name for host in hosts for name in host.split(",") if name]


def _quality(text: str) -> str:
    return text.split()[3]


def _address(text: str) -> str:
    return text.split()[4]


def _routes_of(text: str) -> str:
    return text.split()[5]

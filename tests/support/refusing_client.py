"""A node's client without wires, and edits that it refuses. What it is sent lies there until it is taken."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto

from envoy.config.cluster.v3.cluster_pb2 import Cluster

from meshctl.names import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Ref, TypeUrl
from meshctl.snapshot import Resource
from meshctl.xds.events import Amend, Request, Send
from tests.support.catalogs import service

_POISON = "10.66.66.66"
_FOLLOWS = {CLUSTER: ENDPOINTS, LISTENER: ROUTES}


class Edit(Enum):
    """What an edit of a service changes; the endpoints always, and they are good unless it says otherwise."""

    ENDPOINTS = auto()
    CLUSTER = auto()
    BAD_ENDPOINTS = auto()
    BAD_CLUSTER = auto()
    CLUSTER_AND_BAD_ENDPOINTS = auto()
    BOTH_BAD = auto()

    def text(self, name: str, generation: int) -> bytes:
        """The service's file."""
        bad = self in (Edit.BAD_ENDPOINTS, Edit.CLUSTER_AND_BAD_ENDPOINTS, Edit.BOTH_BAD)
        text = service(name, endpoints=f"{_POISON if bad else '10.0.0.1'}:{generation}").decode()
        if self in (Edit.ENDPOINTS, Edit.BAD_ENDPOINTS):
            return text.encode()
        odd = 7 if self in (Edit.BAD_CLUSTER, Edit.BOTH_BAD) else 0
        return f"{text}timeouts: {{connect: {1000 * generation + odd}ms}}\n".encode()


class Client:
    """An Envoy that answers what it takes of `inbox`. `held` are the versions of what it accepted.

    `names_culprits`: it says which clusters it refuses, and takes the others. `busy`: another process has the
    address of its listeners.
    """

    def __init__(self, *, names_culprits: bool) -> None:
        """It holds nothing, and is not connected."""
        self.held: dict[Ref, str] = {}
        self.inbox, self.outbox = deque[Send](), deque[Request]()
        self.busy = False
        self._names_culprits = names_culprits
        self._asked: dict[TypeUrl, set[str]] = {}

    def connect(self, *, anew: bool) -> None:
        """Ask for all, and say what is held: nothing, where the process is another one (`anew`)."""
        if anew:
            self.held.clear()
        self.inbox.clear()
        self.outbox.clear()
        self._asked = {ENDPOINTS: set(), ROUTES: set()}
        for first, second in _FOLLOWS.items():
            self._ask(first, ["*"], self._held_of(first))
            names = {ref.name for ref in self.held if ref.type in (first, second)}
            self._follow(second, names, self._held_of(second))

    def take(self) -> bool:
        """Answer what was sent first. Returns whether there was something."""
        if not self.inbox:
            return False
        sent = self.inbox.popleft()
        bad = [one for one in sent.upserts if self._is_bad(one)]
        error = self._error(bad)
        by_name = bool(bad) and bad[0].key.type == CLUSTER and self._names_culprits
        taken = [one for one in sent.upserts if one not in bad] if by_name or not bad else []
        self.held.update({one.ref: one.version for one in taken})
        for name in sent.removed:
            self.held.pop(Ref(sent.type, name), None)
        self.outbox.append(Request(sent.type, Amend(), sent.nonce, error))
        if sent.type in _FOLLOWS:
            self._follow(_FOLLOWS[sent.type], (one.key.name for one in taken), {})
        return True

    def _is_bad(self, one: Resource) -> bool:
        if one.key.type == CLUSTER:
            return Cluster.FromString(one.body).connect_timeout.nanos > 0
        return self.busy if one.key.type == LISTENER else _POISON.encode() in one.body

    def _error(self, bad: Sequence[Resource]) -> str | None:
        if not bad:
            return None
        kind = {CLUSTER: "cluster", LISTENER: "listener"}.get(bad[0].key.type, "")
        why = "Address already in use" if kind == "listener" else "no good"
        if kind == "listener" or (kind and self._names_culprits):
            return f"Error adding/updating {kind}(s) {', '.join(f'{one.key.name}: {why}' for one in bad)}"
        return "malformed IP address: x"

    def _held_of(self, type_url: TypeUrl) -> Mapping[str, str]:
        return {ref.name: version for ref, version in self.held.items() if ref.type == type_url}

    def _follow(self, type_url: TypeUrl, names: Iterable[str], held: Mapping[str, str]) -> None:
        if new := set(names) - self._asked[type_url]:
            self._asked[type_url] |= new
            self._ask(type_url, new, held)

    def _ask(self, type_url: TypeUrl, names: Iterable[str], held: Mapping[str, str]) -> None:
        self.outbox.append(Request(type_url, Amend(frozenset(names), versions=held)))

"""Scripts of what may happen to a mesh, and a model of what must hold after each step.

The model knows for each file what it may say by now: what stands on disk, if that can be served, or else what
could be served last. It knows nothing of how meshctl comes to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from hypothesis import strategies as st

from meshctl.verify.scene import GATEWAY, SIDECAR, Scene
from tests.support.second import SECOND

MESH, EDGE, WEB = "mesh.yaml", "edge/edge.yaml", "shop/web.yaml"
USERS, PAY = "accounts/users.yaml", "shop/pay.yaml"
FENCE = "edge/fence.yaml"
FILLERS = ("accounts/teams.yaml", "shop/cart.yaml", "shop/stock.yaml")

SHARES: Mapping[str, Mapping[str, int]] = {
    "v1": {"v1": 100},
    "v2": {"v2": 100},
    "half": {"v1": 50, "v2": 50},
    "canary": {"v1": 90, "v2": 10},
    "v1, v2 idle": {"v1": 100, "v2": 0},
    "v2, v1 idle": {"v2": 100, "v1": 0},
    "v1, slow to connect": {"v1": 100},
}
GOOD: Mapping[str, tuple[str, ...]] = {
    MESH: ("base",),
    EDGE: ("base", "www"),
    WEB: ("users", "users and pay"),
    USERS: tuple(SHARES),
    PAY: ("at v1", "at v2"),
    **dict.fromkeys(FILLERS, ("base",)),
}
"""What can be served, by file; the first is how it begins."""

FENCE_TEXT = (
    "gateway: fence\nlisteners:\n  - {{bind: 127.0.0.1:9}}\n"
    "sites:\n  - {{hosts: [n{number}.example.com], open_to: {{teams: [/**]}}}}\n"
)
"""A gateway without nodes, in no script: its newest number tells that the server has read what was there."""

BAD = ("garbage", "unknown key", "uses nobody", "nothing")
"""What no file can be served with; `no endpoints` joins them for users, which nodes use."""

TREES: Mapping[str, Mapping[str, str | None]] = {
    "base": {file: labels[0] for file, labels in GOOD.items()},
    "half": {USERS: None, **dict.fromkeys(FILLERS)},
    "older": {USERS: "v2", PAY: "at v2", WEB: "users", "shop/stock.yaml": None},
}
"""What a checkout writes and deletes: of everything, of a branch that lacks half, of an older commit."""


def text(scene: Scene, file: str, label: str) -> str:
    """A file's text; whatever its label, it names the entry that the file is for."""
    if label == "garbage":
        return "{{{\n"
    if label == "nothing":
        return ""
    good = _good(scene, file, label if label in GOOD[file] else GOOD[file][0])
    if label == "unknown key":
        return f"{good}prot: 1\n"
    if label == "uses nobody":
        return (
            "\n".join(line for line in good.splitlines() if not line.startswith("uses:"))
            + "\nuses: [nobody]\n"
        )
    return good.replace(f"[127.0.0.1:{scene.ports.v1}]", "[]") if label == "no endpoints" else good


def _good(scene: Scene, file: str, label: str) -> str:
    ports = scene.ports
    if file == MESH:
        return "format: 1\nedition: 2026.11\nname: demo\n"
    if file == EDGE:
        hosts = "api.example.com" + (", www.example.com" if label == "www" else "")
        listeners = f"listeners:\n  - {{bind: 127.0.0.1:{ports.edge}}}"
        return f"gateway: edge\n{listeners}\nsites:\n  - hosts: [{hosts}]\n    open_to: {{users: [/**]}}\n"
    if file == WEB:
        uses = label.replace(" and ", ", ")
        return f"service: web\nport: 8081\nendpoints: [127.0.0.1:{ports.web}]\nuses: [{uses}]\n"
    if file == USERS:
        slow = "timeouts: {connect: 3s}\n" if "slow" in label else ""
        return scene.users(SHARES[label]) + slow
    port = ports.v2 if label == "at v2" else ports.v1
    name = file.rpartition("/")[2].removesuffix(".yaml")
    return f"service: {name}\nport: 8090\nendpoints: [127.0.0.1:{port}]\n"


@dataclass(frozen=True, slots=True)
class Write:
    """Write one file."""

    file: str
    label: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete one file."""

    file: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """Write and delete the files of a tree, as git does."""

    tree: str


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill the server with signal 9."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start the server, killing the one that runs."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut a node's connection."""

    node: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Let a moment pass, so that the next step meets what the last one began."""

    ms: int


@dataclass(frozen=True, slots=True)
class Settle:
    """Wait until what must hold holds."""


Step: TypeAlias = Write | Remove | Checkout | Kill | Start | Cut | Wait | Settle
Script: TypeAlias = list[Step]

_GOOD_WRITES = [Write(file, label) for file, labels in GOOD.items() for label in labels]
_BAD_WRITES = [Write(file, label) for file in GOOD for label in BAD if (file, label) != (MESH, "uses nobody")]
_BAD_WRITES += [Write(USERS, "no endpoints")]
_REMOVES = [Remove(file) for file in (MESH, EDGE, USERS, *FILLERS)]
_STEPS: st.SearchStrategy[Step] = st.one_of(
    st.sampled_from([Write(USERS, label) for label in SHARES]),
    st.sampled_from(_GOOD_WRITES),
    st.sampled_from(_BAD_WRITES),
    st.sampled_from(_REMOVES),
    st.sampled_from([Checkout(tree) for tree in TREES]),
    st.sampled_from([Kill(), Start(), Start()]),
    st.sampled_from([Cut(node) for node in (SIDECAR, SECOND, GATEWAY)]),
    st.sampled_from([Wait(ms) for ms in (10, 60, 120, 250)]),
    st.just(Settle()),
)
SCRIPTS: st.SearchStrategy[Script] = st.lists(_STEPS, min_size=4, max_size=8)


def _base() -> dict[str, str | None]:
    return dict(TREES["base"])


@dataclass(slots=True)
class Model:
    """What stands on disk, what may be served by now, and what the server can know of it.

    `blind`: it was started without mesh.yaml, so that nothing it reads is served. `alive`: it runs.
    """

    disk: dict[str, str | None] = field(default_factory=_base)
    may: dict[str, set[str]] = field(default_factory=lambda: {file: {one[0]} for file, one in GOOD.items()})
    alive: bool = True
    blind: bool = False

    def put(self, file: str, label: str | None) -> None:
        """A file is written, or deleted (None)."""
        self.disk[file] = label
        if label in GOOD[file]:
            self.may[file].add(label)
        if file == MESH and label is not None and self.alive:
            self.blind = False

    def start(self) -> None:
        """The server reads what stands there now."""
        self.alive, self.blind = True, self.disk[MESH] is None

    @property
    def follows(self) -> bool:
        """Whether the server serves what it reads."""
        return self.alive and not self.blind

    def settle(self) -> None:
        """What stands on disk and can be served is served by now; it is no other any more."""
        for file, label in self.disk.items():
            if label is not None and label in GOOD[file] and self.follows:
                self.may[file] = {label}

    def served(self) -> dict[str, str] | None:
        """The label of each file's text that is served; None where more than one may be."""
        certain = all(len(labels) == 1 for labels in self.may.values())
        return {file: next(iter(labels)) for file, labels in self.may.items()} if certain else None

    def shares(self) -> list[Mapping[str, int]]:
        """How users may be shared out, those of no share left out."""
        return [
            {version: share for version, share in SHARES[one].items() if share} for one in self.may[USERS]
        ]

    def answers_of_pay(self) -> set[bytes | None]:
        """What a sidecar may answer for pay; None: it does not know that host."""
        found: set[bytes | None] = {None} if "users" in self.may[WEB] else set()
        if "users and pay" in self.may[WEB]:
            found |= {one.removeprefix("at ").encode() for one in self.may[PAY]}
        return found

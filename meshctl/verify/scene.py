"""The mesh that demos and load tests run: its catalog as texts, its ports, and where requests go in.

May import the standard library, `names`, `operations.edit`, the bootstrap builder and its neighbours. `web`
calls `users` through a sidecar; the world reaches `users` through the gateway `edge`; `users` has versions.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from meshctl.envoy.bootstrap import Identity, bootstrap
from meshctl.names import Role
from meshctl.operations.edit import write_file
from meshctl.verify.lane import Target
from meshctl.verify.ports import free_ports
from meshctl.verify.processes import Envoy

VERSIONS = ("v1", "v2")

SIDECAR, GATEWAY = "sidecar", "gateway"
"""The two nodes: what their processes, their ids in the fleet and their targets are called."""

USERS_FILE = "accounts/users.yaml"

# One node of each kind: there is nobody to wait for.
_MESH = "format: 1\nedition: 2026.11\nname: demo\nwaves: {hold: 0s}\n"
_WEB = "service: web\nport: 8081\nendpoints: [127.0.0.1:{web}]\nuses: [users]\n"
_EDGE = (
    "gateway: edge\nlisteners:\n  - {{bind: 127.0.0.1:{edge}}}\n"
    "sites:\n  - hosts: [api.example.com]\n    open_to: {{users: [/**]}}\n"
)


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports on 127.0.0.1: one for each thing that listens."""

    v1: int
    v2: int
    web: int
    egress: int
    edge: int
    sidecar_admin: int
    gateway_admin: int
    xds: int
    http: int

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nobody listens on."""
        return cls(*free_ports(9))


@dataclass(frozen=True, slots=True)
class Scene:
    """A folder that holds everything: the catalog, logs, bootstraps, and the server's state."""

    folder: Path
    ports: Ports

    @property
    def catalog(self) -> Path:
        """The catalog's folder."""
        return self.folder / "catalog"

    @property
    def state(self) -> Path:
        """Where the server keeps its last good state."""
        return self.folder / "state"

    @property
    def control_plane(self) -> str:
        """The xDS address."""
        return f"127.0.0.1:{self.ports.xds}"

    @property
    def http(self) -> str:
        """The address of health and metrics."""
        return f"127.0.0.1:{self.ports.http}"

    @property
    def targets(self) -> tuple[Target, Target]:
        """The two ways to `users`: through the sidecar and through the gateway."""
        return (
            Target(SIDECAR, "127.0.0.1", self.ports.egress, {"host": "users"}),
            Target(GATEWAY, "127.0.0.1", self.ports.edge, {"host": "api.example.com"}),
        )

    def write(self, file: str, text: str) -> None:
        """Write one file of the catalog, whole, as editors do."""
        write_file(self.catalog / file, text)

    def write_all(self) -> None:
        """The catalog as it begins: `users` has one version."""
        ports = {"web": self.ports.web, "edge": self.ports.edge}
        self.write("mesh.yaml", _MESH)
        self.write("shop/web.yaml", _WEB.format(**ports))
        self.write("edge/edge.yaml", _EDGE.format(**ports))
        self.write(USERS_FILE, self.users({"v1": 100}))

    def users(self, weights: Mapping[str, int]) -> str:
        """The text of `users` with these versions, each serving so many percent.

        A version of 0 % stays declared, and gets no requests.
        """
        ports = {"v1": self.ports.v1, "v2": self.ports.v2}
        serving = {version: f"{weight}%" for version, weight in weights.items() if weight}
        one = next(iter(serving)) if len(serving) == 1 else None
        shares = ", ".join(f"{version}: {share}" for version, share in serving.items())
        lines = [
            "service: users",
            "port: 8080",
            "versions:",
            *(f"  {version}: {{endpoints: [127.0.0.1:{ports[version]}]}}" for version in weights),
            f"serving: {one or f'{{{shares}}}'}",
            "expose:",
            "  - {on: edge, host: api.example.com, match: {path: /**}}",
        ]
        return "\n".join(lines) + "\n"

    def identity(self, name: str) -> Identity:
        """Who the node `SIDECAR` or `GATEWAY` is."""
        if name == SIDECAR:
            return Identity(Role.SIDECAR, ("web",), name, f"127.0.0.1:{self.ports.egress}")
        return Identity(Role.GATEWAY, ("edge",), name)

    def config(self, name: str, api_type: str) -> str:
        """What `meshctl bootstrap` writes for the node `SIDECAR` or `GATEWAY`, but for the `api_type`."""
        config = json.dumps(bootstrap(self.identity(name), self.control_plane, self._admin(name)))
        return config.replace("DELTA_GRPC", api_type)

    async def envoy(self, name: str, api_type: str = "DELTA_GRPC") -> Envoy:
        """Start the node `SIDECAR` or `GATEWAY`. Raises ProgramMissing."""
        return await Envoy.run(name, self.config(name, api_type), self._admin(name), self.folder)

    def _admin(self, name: str) -> int:
        return self.ports.sidecar_admin if name == SIDECAR else self.ports.gateway_admin

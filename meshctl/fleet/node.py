"""One node: what an Envoy, or a gRPC client, says of itself on its first request.

May import `names`. The view is chosen by role, services, kind of client and egress address, never by id.
"""

from dataclasses import dataclass

from meshctl import names
from meshctl.names import Role, ViewKey

GRPC = "grpc"
"""The `client` of a node that is a gRPC library and no Envoy."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node as it names itself.

    `services` are those that a sidecar speaks for, sorted; `gateway` the gateway's name, else empty.
    `client` is Envoy's minor release ("1.40") or "grpc"; `user_agent` what it says for people.
    `egress`: the address of its own egress listener where it differs from the mesh's ("" otherwise).
    """

    id: str
    role: Role
    services: tuple[str, ...] = ()
    gateway: str = ""
    client: str = ""
    user_agent: str = ""
    egress: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """The names in the catalog that this node stands for."""
        return (self.gateway,) if self.role is Role.GATEWAY else self.services

    @property
    def view_key(self) -> ViewKey:
        """What chooses the view that this node is given."""
        return ViewKey(self.role, self.targets, self.client, self.egress)

    @property
    def view(self) -> str:
        """The name of that view."""
        return self.view_key.name

    @property
    def cluster(self) -> str:
        """The services, or the gateway, as one word."""
        return names.joined(self.targets)

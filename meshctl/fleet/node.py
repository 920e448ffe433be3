"""One node: what an Envoy, or a gRPC client, says of itself on its first request.

May import `names`. The view is chosen by role, services, kind of client and egress address, never by id.
"""

from dataclasses import dataclass

from meshctl import names
from meshctl.names import Role, ViewKey

OLDEST = (1, 36)
"""The oldest minor release of Envoy that is supported, which tests run beside the newest."""

GRPC = "grpc"
"""The `client` of a node that is a gRPC library and no Envoy."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node as it names itself.

    `services` are those that a sidecar speaks for, sorted; `gateway` the gateway's name, else empty.
    `client` is Envoy's minor release ("1.40") or "grpc"; `user_agent` what it says for people.
    `egress`: the address of its own egress listener where it differs from the mesh's ("" otherwise);
    `ingress`: the one IP address on which it takes what its services are sent ("": all of its machine).
    """

    id: str
    role: Role
    services: tuple[str, ...] = ()
    gateway: str = ""
    client: str = ""
    user_agent: str = ""
    egress: str = ""
    ingress: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """The names in the catalog that this node stands for."""
        return (self.gateway,) if self.role is Role.GATEWAY else self.services

    @property
    def view_key(self) -> ViewKey:
        """What chooses the view that this node is given."""
        return ViewKey(self.role, self.targets, self.client, self.egress, self.ingress)

    @property
    def view(self) -> str:
        """The name of that view."""
        return self.view_key.name

    @property
    def unsupported(self) -> str:
        """What to know of an Envoy older than the oldest supported; else nothing.

        Who says no version may be of any.
        """
        if self.client in ("", GRPC):
            return ""
        major, _, minor = self.client.partition(".")
        if not (0, 0) < (int(major), int(minor)) < OLDEST:
            return ""
        oldest = ".".join(map(str, OLDEST))
        words = f"{oldest} is the oldest that is; it gets what {oldest} gets"
        return f"Envoy {self.client} is not supported, {words}"

    @property
    def cluster(self) -> str:
        """The services, or the gateway, as one word."""
        return names.joined(self.targets)

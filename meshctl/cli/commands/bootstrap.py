"""`meshctl bootstrap`: what an Envoy starts with, on stdout.

May import the operation, the builder and, when a server is asked, the client.
"""

import shlex
import socket
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypedDict, Unpack

import click
from click.core import ParameterSource

from meshctl.cli.catalogs import root_of
from meshctl.cli.errors import Failure
from meshctl.cli.groups import Group
from meshctl.cli.options import (
    Address,
    BindAddress,
    Decorated,
    IpAddress,
    Port,
    catalog_option,
    optional_server_option,
)
from meshctl.cli.output import hint, written_file
from meshctl.cli.yaml_text import as_yaml
from meshctl.envoy.bootstrap import CONTROL_PLANE, Identity, bootstrap, node_id
from meshctl.mesh.addresses import ADMIN_PORT
from meshctl.names import Role, is_name
from meshctl.operations.load import load
from meshctl.operations.targets import NoTarget, Target, target


class _Bootstrap(Group):
    """Who types a service's name right away means its sidecar."""

    def meant(self, ctx: click.Context, name: str) -> str | None:
        near = super().meant(ctx, name)
        return near or (f"{ctx.command_path} sidecar --service {name}" if is_name(name) else None)


@click.group("bootstrap", cls=_Bootstrap)
def command() -> None:
    """Write the configuration that an Envoy starts with."""


class _Where(TypedDict):
    """The options that sidecars and gateways have in common."""

    node_id: str | None
    admin_port: int
    control_plane: str | None
    server: str | None
    catalog: str


def _shared(command: Decorated) -> Decorated:
    options: Sequence[Callable[[Decorated], Decorated]] = (
        click.option("--node-id", metavar="ID", help="Its id in the fleet, unique; without it: NAME@HOST."),
        click.option(
            "--admin-port",
            type=Port(),
            default=ADMIN_PORT,
            show_default=True,
            help="Where Envoy's own admin page listens, on loopback.",
        ),
        click.option(
            "--control-plane",
            type=Address(),
            help=f"Where Envoy finds its control plane; without it: --server, or {CONTROL_PLANE}.",
        ),
        optional_server_option,
        catalog_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@command.command()
@click.option(
    "--service",
    "services",
    metavar="NAME",
    multiple=True,
    required=True,
    help="What runs beside it; repeatable.",
)
@click.option(
    "--egress", type=BindAddress(), help="Where it listens for its services, if not at the mesh's address."
)
@click.option(
    "--ingress",
    type=IpAddress(),
    help="The one address on which it takes what its services are sent, if not all of its machine's.",
)
@_shared
def sidecar(
    services: tuple[str, ...], egress: str | None, ingress: str | None, **where: Unpack[_Where]
) -> None:
    """For the Envoy beside one or several services.

    The names must stand in the catalog, or in that of --server: an Envoy waits in silence for a misspelt one.
    """
    names = tuple(sorted(set(services)))
    _write(_Node(Role.SIDECAR, names, egress or "", ingress or ""), where)


@command.command()
@click.option("--gateway", "name", metavar="NAME", required=True, help="Which gateway of the catalog.")
@_shared
def gateway(name: str, **where: Unpack[_Where]) -> None:
    """For an Envoy at the edge.

    The name must stand in the catalog, or in that of --server: an Envoy waits in silence for a misspelt one.
    """
    _write(_Node(Role.GATEWAY, (name,)), where)


class _Node(NamedTuple):
    """What the Envoy is for, and the addresses of its own."""

    role: Role
    names: tuple[str, ...]
    egress: str = ""
    ingress: str = ""


def _write(node: _Node, where: _Where) -> None:
    role, names, egress, ingress = node
    known = _target(role, names, where)
    own_id = where["node_id"] or node_id(names, socket.gethostname())
    identity = Identity(role, names, own_id, egress, ingress)
    control_plane = where["control_plane"] or where["server"] or CONTROL_PLANE
    click.echo(as_yaml(bootstrap(identity, control_plane, where["admin_port"])), nl=False)
    _next(names[0], Target(egress or known.address, known.hosts), where["admin_port"])


def _target(role: Role, names: Sequence[str], where: _Where) -> Target:
    """Ask the catalog, or the server where one is named and no catalog is."""
    chosen = click.get_current_context().get_parameter_source("catalog")
    if where["server"] and chosen is ParameterSource.DEFAULT:
        from meshctl.cli import client  # grpc takes 0.1 s, which a catalog on disk does not cost

        answer = client.get_target(where["server"], role.value, names)
        return Target(answer["address"], tuple(answer["hosts"]))
    try:
        return target(load(root_of(where["catalog"])), role, names)
    except NoTarget as error:
        raise Failure(str(error)) from None


def _next(name: str, known: Target, admin_port: int) -> None:
    """What to type next. Envoys on one machine must not take each other for the one to restart."""
    envoy = "envoy -c" if admin_port == ADMIN_PORT else "envoy --disable-hot-restart -c"
    steps = [f"{envoy} {written_file()}"]
    if sys.stdout.isatty():
        typed = shlex.join(["meshctl", *sys.argv[1:]])
        steps = [f"{typed} > {name}.yaml && {envoy} {name}.yaml"]
    address = known.address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")
    if address and known.hosts:
        steps.append(f"then, in another terminal: curl -H 'Host: {known.hosts[0]}' {address}/")
    hint(*steps)

"""`meshctl render`: the exact resources that a node gets.

May import the operations and their neighbours.
"""

from collections.abc import Sequence

import click

from meshctl.cli.catalogs import root_of
from meshctl.cli.errors import Failure
from meshctl.cli.options import Port, catalog_option, output_option, server_option, types_option
from meshctl.cli.output import hint, plural, write, written_file
from meshctl.mesh.addresses import ADMIN_PORT
from meshctl.names import SHORT_NAMES, Role, ViewKey
from meshctl.operations.compile import CLIENT, Compiler, view_keys
from meshctl.operations.read_back import NoSecondDecoder, disagreement
from meshctl.operations.render import NotCompiled, compiled, render, resources
from meshctl.operations.static import static_config


@click.command("render")
@click.option(
    "--service", "services", metavar="NAME", multiple=True, help="What the sidecars of these services get."
)
@click.option("--gateway", metavar="NAME", help="What this gateway gets.")
@click.option(
    "--node", metavar="ID", help="What this node of the fleet gets; asks --server which view that is."
)
@types_option
@click.option("--static", is_flag=True, help="A whole Envoy configuration that runs without a control plane.")
@click.option(
    "--admin-port",
    type=Port(),
    default=ADMIN_PORT,
    show_default=True,
    help="With --static: where Envoy's own admin page listens, on loopback.",
)
@click.option("--check", is_flag=True, help="Read the bytes back with a second implementation of protobuf.")
@output_option("yaml", "json")
@catalog_option
@server_option
def command(
    *,
    services: tuple[str, ...],
    gateway: str | None,
    node: str | None,
    types: tuple[str, ...],
    static: bool,
    admin_port: int,
    check: bool,
    form: str,
    catalog: str,
    server: str,
) -> None:
    """Show the exact resources that a node gets.

    They are decoded from the bytes that are sent to it. Without --service, --gateway or --node: those of
    every view, by its name.
    """
    keys = _keys(services, gateway, node, server)
    if static and (not keys or types):
        raise click.UsageError("--static takes one of --service, --gateway and --node, and no --type")
    compiler = compiled(root_of(catalog))
    chosen = keys or view_keys(compiler.resolver)
    try:
        if check:
            return _check(compiler, chosen)
        rendered = {key.name: render(resources(compiler, key), types or tuple(SHORT_NAMES)) for key in chosen}
    except (NotCompiled, NoSecondDecoder) as error:
        raise Failure(str(error)) from None
    if static:
        write(static_config(rendered[keys[0].name], admin_port), form)
        return hint(f"envoy -c {written_file()}")
    write(rendered[keys[0].name] if keys else rendered, form)
    return None


def _keys(services: Sequence[str], gateway: str | None, node: str | None, server: str) -> list[ViewKey]:
    """The one view that is asked for, or none: all."""
    if len([chosen for chosen in (services or None, gateway, node) if chosen is not None]) > 1:
        raise click.UsageError("give one of --service, --gateway and --node")
    if services:
        return [ViewKey(Role.SIDECAR, tuple(sorted(set(services))), CLIENT)]
    if gateway is not None:
        return [ViewKey(Role.GATEWAY, (gateway,), CLIENT)]
    return [_view_of(node, server)] if node is not None else []


def _view_of(node: str, server: str) -> ViewKey:
    from meshctl.cli import client  # only --node needs grpc

    view = client.get_node(server, node)["node"]["view"]
    if not view:
        raise Failure(f"{node} is given no resources: meshctl fleet show {node} says why")
    return ViewKey.parse(view)


def _check(compiler: Compiler, keys: Sequence[ViewKey]) -> None:
    found = {resource.key: resource for key in keys for resource in resources(compiler, key)}
    differences = [difference for one in found.values() if (difference := disagreement(one))]
    for difference in differences:
        click.echo(difference)
    if differences:
        raise Failure(f"{plural(len(differences), 'resource')} of {len(found)} read differently")
    click.echo(f"{plural(len(found), 'resource')}: both implementations read the same", err=True)

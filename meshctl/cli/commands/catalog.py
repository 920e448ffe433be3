"""`meshctl catalog`: a team's daily work on its files.

May import the operations and their neighbours; no protobuf.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from meshctl.catalog.source import Kind
from meshctl.cli.catalogs import refuse, root_of
from meshctl.cli.errors import EXIT_FAILED, Failure
from meshctl.cli.groups import Group
from meshctl.cli.options import Port, catalog_option, output_option
from meshctl.cli.output import hint, plural, table, write
from meshctl.names import is_name
from meshctl.operations.edit import AlreadyThere, NewService, add_service
from meshctl.operations.entries import Summary, UnknownEntry, summaries, summary, teams
from meshctl.operations.load import load


@click.group("catalog", cls=Group)
def command() -> None:
    """Add services; list and show services and gateways."""


def _name(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_name(value):
        raise click.BadParameter(
            f"{value!r} is not a name: it has a-z, 0-9 and '-' within, at most 63 of them"
        )
    return value


@command.command()
@click.argument("name", callback=_name)
@click.option("--port", type=Port(), required=True, help="Where the service is reached.")
@click.option(
    "--endpoint", "endpoints", metavar="ADDRESS[:PORT]", multiple=True, help="Where an instance of it runs."
)
@click.option("--use", "uses", metavar="SERVICE", multiple=True, help="A service that it calls.")
@click.option("--team", callback=_name, envvar="MESHCTL_TEAM", show_envvar=True, help="Whose service it is.")
@click.option("--protocol", help="What it speaks; without the option: http.")
@click.option(
    "--egress-port",
    type=Port(),
    help="Where callers' sidecars listen for it; tcp, mysql and the like need it.",
)
@click.option("--description", help="What it is, for people.")
@catalog_option
def add(
    name: str,
    port: int,
    endpoints: tuple[str, ...],
    uses: tuple[str, ...],
    team: str | None,
    protocol: str | None,
    egress_port: int | None,
    description: str | None,
    catalog: str,
) -> None:
    """Add a service, if the whole catalog is right with it.

    --endpoint and --use may be given several times. The team is --team, or the only one that there is.
    """
    root = root_of(catalog)
    owner = team or _only_team(root)
    service = NewService(name, port, endpoints, uses, protocol, egress_port, description)
    try:
        file, report = add_service(root, owner, service)
    except AlreadyThere as error:
        raise Failure(str(error)) from None
    if not report.valid:
        refuse(report.findings, root)
        click.echo("nothing was written", err=True)
        click.get_current_context().exit(EXIT_FAILED)
    click.echo(str(root / file))
    if not endpoints:
        click.echo("no endpoint yet: requests get 503 until one is added", err=True)
    another = f"meshctl catalog add NAME --port PORT --endpoint ADDRESS:PORT --use {name}"
    hint("meshctl validate", f"or, for a service that calls it: {another}")


@command.command("list")
@catalog_option
@output_option("table", "json", "yaml")
def list_(catalog: str, form: str) -> None:
    """List all services and gateways."""
    entries = summaries(load(root_of(catalog)))
    if form != "table":
        write([_data(entry) for entry in entries], form)
    elif entries:
        head = ("name", "kind", "team", "port", "versions", "uses", "state")
        click.echo(table(head, [_row(entry) for entry in entries]))
    else:
        hint("meshctl catalog add NAME --port PORT --endpoint ADDRESS:PORT --team TEAM")


@command.command()
@click.argument("name")
@catalog_option
@output_option("table", "json", "yaml")
def show(name: str, catalog: str, form: str) -> None:
    """Show one service or gateway, and who uses it."""
    root = root_of(catalog)
    try:
        entry = summary(load(root), name)
    except UnknownEntry as error:
        raise Failure(str(error)) from None
    if form != "table":
        return write(_data(entry), form)
    rows = dict(_lines(entry, root))
    width = max(map(len, rows)) + 2
    for key, value in rows.items():
        click.echo(f"{key}:".ljust(width) + value)
    return hint("meshctl validate") if entry.problems else None


def _only_team(root: Path) -> str:
    found = teams(load(root))
    if len(found) == 1:
        return found[0]
    if not found:
        raise Failure("the catalog has no team yet; say which one with --team or MESHCTL_TEAM")
    raise Failure(
        f"the catalog has several teams; say which one with --team or MESHCTL_TEAM: {', '.join(found)}"
    )


def _data(entry: Summary) -> dict[str, object]:
    said = {key: value for key, value in asdict(entry).items() if value not in (None, "", ())}
    return {**said, "kind": entry.kind.value}


def _state(entry: Summary) -> str:
    return plural(entry.problems, "problem") if entry.problems else "ok"


def _row(entry: Summary) -> list[str]:
    serving = entry.serving or {}
    versions = " ".join(
        f"{name}({len(of)})" for name, of in (entry.versions or {}).items() if name in serving
    )
    port = str(entry.port) if entry.port else ",".join(entry.listeners) or "-"
    uses = ",".join(entry.uses) or "-"
    return [entry.name, entry.kind.value, entry.team, port, versions or "-", uses, _state(entry)]


def _lines(entry: Summary, root: Path) -> Iterator[tuple[str, str]]:
    yield entry.kind.value, entry.name
    if entry.description:
        yield "description", entry.description
    yield "team", entry.team
    yield "file", str(root / entry.file)
    yield "state", _state(entry)
    if entry.protocol:
        yield "protocol", entry.protocol
    for key, port in (
        ("port", entry.port),
        ("egress port", entry.egress_port),
        ("target port", entry.target_port),
    ):
        if port:
            yield key, str(port)
    for name, endpoints in (entry.versions or {}).items():
        share = (entry.serving or {}).get(name, "0%")
        yield f"version {name}", f"{share} to {', '.join(endpoints) or 'no endpoint'}"
    for key, values in (("listens on", entry.listeners), ("hosts", entry.hosts), ("uses", entry.uses)):
        if values:
            yield key, ", ".join(values)
    if entry.kind is Kind.SERVICE:
        yield "used by", ", ".join(entry.used_by) or "nobody"
        if entry.gateways:
            yield "gateways", ", ".join(entry.gateways)

"""`meshctl plan`: what a folder would change at a server, or another release for what is served.

May import the client, the operation, the snapshot's disk and their neighbours.
"""

from pathlib import Path

import click
from click.core import ParameterSource

from meshctl.catalog.folder import read_folder
from meshctl.cli import client
from meshctl.cli.catalogs import refuse, root_of, with_paths
from meshctl.cli.errors import DETAILED, EXIT_CHANGES, EXIT_FAILED, Failure
from meshctl.cli.options import STATE, output_option, server_option
from meshctl.cli.output import plural, table, write
from meshctl.cli.plan_text import COLORS, data, finding_data, findings, summary, text
from meshctl.names import SHORT_NAMES
from meshctl.operations import upgrade as operation
from meshctl.operations.plan import Plan, ResourceChange
from meshctl.operations.upgrade import Upgrade
from meshctl.snapshot.disk import State, read_state
from meshctl.snapshot.folder import StateUnavailable

_SHORT = {type_url: short for short, type_url in SHORT_NAMES.items()}


@click.command("plan")
@click.argument("folder", metavar="[DIR]", default=".")
@click.option(
    "--upgrade",
    is_flag=True,
    help="Compare what the last run of `meshctl serve` served with what this release makes of it: after"
    " installing another release, before restarting it.",
)
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"With --upgrade: where that run keeps its last good state; without it: {STATE} beside the catalog.",
)
@click.option(DETAILED, "detailed", is_flag=True, help="Exit with 2 if something changes.")
@output_option("table", "json", "yaml")
@server_option
def command(
    folder: str, *, upgrade: bool, state: Path | None, detailed: bool, form: str, server: str
) -> None:
    """Show what a catalog would change at a running server.

    DIR is the catalog as it shall be, such as a checkout of a branch: the server compares it with what it
    serves, and changes nothing. + is added, ~ changed, - removed; the impact is what becomes of open
    connections. The exit code is 0, or 2 with --detailed-exitcode if something changes (64 then says that
    the command is mistyped), and 1 if an entry has a problem; all others are planned nevertheless.
    """
    root = root_of(folder)
    if upgrade:
        _check_offline()
        problems, changes = _upgrade(root, state or root.resolve().parent / STATE, form)
    elif state is not None:
        raise click.UsageError("--state goes with --upgrade; a running server keeps its own")
    else:
        problems, changes = _planned(root, server, form)
    if problems:
        click.get_current_context().exit(EXIT_FAILED)
    if detailed and changes:
        click.get_current_context().exit(EXIT_CHANGES)


def _check_offline() -> None:
    if click.get_current_context().get_parameter_source("server") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--upgrade reads the state on disk, and asks no --server")


def _planned(root: Path, server: str, form: str) -> tuple[bool, bool]:
    """Whether there are problems, and changes. Raises Failure."""
    planned = client.plan(server, read_folder(root))
    problems = findings(planned)
    changes = bool(planned["entries"] or planned["resources"])
    if form != "table":
        write(data(planned, root), form)
        return bool(problems), changes
    if problems:
        refuse(problems, root)
        click.echo()
    if changes:
        click.echo(text(planned, root))
    else:
        click.echo("No changes: the server serves these files.")
    click.echo(f"made for files {planned['wanted']} against revision {planned['revision']}", err=True)
    return bool(problems), changes


def _upgrade(root: Path, folder: Path, form: str) -> tuple[bool, bool]:
    """Whether there are problems, and changes. Raises Failure."""
    found = operation.upgrade(_read(folder))
    if form != "table":
        write(_upgrade_data(found, root), form)
    elif found.problems:
        refuse(found.problems, root)
    else:
        _tell(found.plan)
    return bool(found.problems), bool(found.plan.resources)


def _read(folder: Path) -> State:
    try:
        state = read_state(folder)
    except StateUnavailable as error:
        raise Failure(str(error)) from None
    if state is None:
        raise Failure(
            f"{folder} holds no last good state; name the folder that meshctl serve keeps: --state DIR"
        )
    return state


def _tell(plan: Plan) -> None:
    if not plan.resources:
        return click.echo("No changes: this release serves the same.")
    head = ("", "type", "resource", "impact", "goes", "views", "fields")
    click.echo(table(head, [*map(_row, plan.resources)]))
    return click.echo(summary(one.sign.value for one in plan.resources))


def _row(change: ResourceChange) -> list[str]:
    first, *more = change.views
    views = f"{first} and {plural(len(more), 'other')}" if more else first
    sign = click.style(change.sign.value, fg=COLORS[change.sign.value])
    told = (_SHORT[change.ref.type], change.ref.name, change.impact.value, change.way.value, views)
    return [sign, *told, ", ".join(change.fields)]


def _upgrade_data(found: Upgrade, root: Path) -> dict[str, object]:
    plan = found.plan
    return {
        "revision": str(plan.revision),
        "impact": plan.impact.value,
        "resources": [
            {
                "sign": change.sign.value,
                "type": _SHORT[change.ref.type],
                "name": change.ref.name,
                "impact": change.impact.value,
                "fields": list(change.fields),
                "goes": change.way.value,
                "views": list(change.views),
            }
            for change in plan.resources
        ],
        "problems": [finding_data(finding) for finding in with_paths(found.problems, root)],
    }

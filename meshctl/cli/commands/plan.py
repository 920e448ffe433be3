"""`meshctl plan`: what this release would serve differently, by impact.

May import the operation, the snapshot's disk and their neighbours.
"""

from pathlib import Path

import click

from meshctl.cli.catalogs import refuse, root_of, with_paths
from meshctl.cli.errors import DETAILED, EXIT_CHANGES, EXIT_FAILED, Failure
from meshctl.cli.options import STATE, catalog_option, output_option
from meshctl.cli.output import plural, table, write
from meshctl.names import SHORT_NAMES
from meshctl.operations import upgrade as operation
from meshctl.operations.plan import Plan, ResourceChange, Sign
from meshctl.operations.upgrade import Upgrade
from meshctl.snapshot.disk import State, read_state
from meshctl.snapshot.folder import StateUnavailable

_COLORS = {Sign.ADDED: "green", Sign.CHANGED: "yellow", Sign.REMOVED: "red"}
_SHORT = {type_url: short for short, type_url in SHORT_NAMES.items()}


@click.command("plan")
@click.option(
    "--upgrade",
    is_flag=True,
    required=True,
    help="Compare with what the last run of `meshctl serve` served: after installing another release, before"
    " restarting it.",
)
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Where that run keeps its last good state; without it: {STATE} beside the catalog.",
)
@click.option(DETAILED, "detailed", is_flag=True, help="Exit with 2 if something changes.")
@output_option("table", "json", "yaml")
@catalog_option
def command(*, upgrade: bool, state: Path | None, detailed: bool, form: str, catalog: str) -> None:
    """Show what this release of meshctl would serve differently.

    + is added, ~ changed, - removed; the impact is what becomes of open connections. The exit code is 0, or 2
    with --detailed-exitcode if something changes (64 then says that the command is mistyped), and 1 if this
    release does not read an entry any more.
    """
    root = root_of(catalog)
    found = operation.upgrade(_read(state or root.resolve().parent / STATE))
    if form != "table":
        write(_data(found, root), form)
    elif found.problems:
        refuse(found.problems, root)
    else:
        _tell(found.plan)
    if found.problems:
        click.get_current_context().exit(EXIT_FAILED)
    if detailed and found.plan.resources:
        click.get_current_context().exit(EXIT_CHANGES)


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
        return click.echo("no changes: this release serves the same")
    click.echo(table(("", "type", "resource", "impact", "views", "fields"), [*map(_row, plan.resources)]))
    counts = (
        f"{plan.count(sign)} to {verb}"
        for sign, verb in ((Sign.ADDED, "add"), (Sign.CHANGED, "change"), (Sign.REMOVED, "remove"))
    )
    return click.echo(f"plan: {', '.join(counts)}; {plan.impact.value}")


def _row(change: ResourceChange) -> list[str]:
    first, *more = change.views
    views = f"{first} and {plural(len(more), 'other')}" if more else first
    sign = click.style(change.sign.value, fg=_COLORS[change.sign])
    return [
        *(sign, _SHORT[change.ref.type], change.ref.name, change.impact.value, views),
        ", ".join(change.fields),
    ]


def _data(found: Upgrade, root: Path) -> dict[str, object]:
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
                "views": list(change.views),
            }
            for change in plan.resources
        ],
        "problems": [str(finding) for finding in with_paths(found.problems, root)],
    }

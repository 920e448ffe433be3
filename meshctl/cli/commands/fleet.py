"""`meshctl fleet`: who is connected, and what each node accepted.

May import the client and its neighbours.
"""

from collections.abc import Iterator
from datetime import datetime

import click

from meshctl.cli import client
from meshctl.cli.answers import Node, TypeStatus, place
from meshctl.cli.catalog_text import catalog_lines
from meshctl.cli.commands import inspect
from meshctl.cli.groups import Group
from meshctl.cli.options import output_option, server_option
from meshctl.cli.output import ago, hint, moment, table, write
from meshctl.names import SHORT_NAMES

_UNUSABLE = "unusable"  # nodes are turned away, however many ask


@click.group("fleet", cls=Group)
def command() -> None:
    """Show the connected nodes and what they accepted."""


command.add_command(inspect.why)
command.add_command(inspect.config)


@command.command("list")
@server_option
@output_option("table", "json", "yaml")
def list_(server: str, form: str) -> None:
    """List all nodes: connected, or lately seen."""
    fleet = client.list_nodes(server)
    if form != "table":
        return write(fleet, form)
    now = inspect.now()
    if fleet["nodes"]:
        head = ("node", "state", *SHORT_NAMES, "client", "seen", "why")
        click.echo(table(head, [_row(node, now) for node in fleet["nodes"]]))
    elif fleet["catalog"]["state"] != _UNUSABLE:
        click.echo("no node has connected yet", err=True)
        hint(_START)
    for line in catalog_lines(fleet["catalog"], server, now):
        click.echo(line)
    return None


_START = "meshctl bootstrap sidecar --service NAME > sidecar.yaml && envoy -c sidecar.yaml"


@command.command()
@click.argument("node", metavar="NODE")
@server_option
@output_option("table", "json", "yaml")
def show(node: str, server: str, form: str) -> None:
    """Show one node: its state and why, and each type of resource.

    NODE is the id that `meshctl fleet list` shows, such as web@host-7.
    """
    answer = client.get_node(server, node)
    if form != "table":
        return write(answer, form)
    now = inspect.now()
    for line in _shown(answer["node"], now):
        click.echo(line)
    for line in catalog_lines(answer["catalog"], server, now):
        click.echo(line)
    return None


def _shown(node: Node, now: datetime) -> Iterator[str]:
    yield from _node(node, now)
    yield ""
    yield from _types(node, now)
    yield from _waits(node, now)
    yield from _refusals(node, now)


def _row(node: Node, now: datetime) -> list[str]:
    types = {status["type"]: status for status in node["types"]}
    marks = [_mark(types[name]) if name in types else "-" for name in SHORT_NAMES]
    seen = "now" if node["connected"] else ago(node.get("last_seen", ""), now)
    state = click.style(node["state"], fg=inspect.COLORS.get(node["state"]))
    if not node["connected"]:
        state = f"{node['state']}, {click.style('away', fg='yellow')}"  # the last that is known of it
    return [node["id"], state, *marks, node["user_agent"] or "-", seen, node["reason"]]


def _mark(status: TypeStatus) -> str:
    """One word: what became of the last answer of a type."""
    if not status["sent"]:
        return "-"
    if status["sent"] == status["acked"]:
        return "acked"
    return "refused" if status["sent"] == status["nacked"] else "sent"


def _node(node: Node, now: datetime) -> Iterator[str]:
    connected = f"since {moment(node.get('connected_since', ''), now)}" if node["connected"] else "no"
    rows = {
        "node": node["id"],
        "state": node["state"] + (f": {node['reason']}" if node["reason"] else ""),
        "since": moment(node.get("state_since", ""), now),
        "holds": _holds(node),
        "runs for": node["cluster"],
        "view": node["view"] or "-",
        "connected": connected,
        "last seen": moment(node.get("last_seen", ""), now),
        "client": f"{node['user_agent'] or '-'} ({node['protocol'] or 'no stream'})",
    }
    width = max(map(len, rows)) + 2
    return (f"{name}:".ljust(width) + value for name, value in rows.items())


def _holds(node: Node) -> str:
    """The revision that it holds, against the one that it shall hold."""
    held, shall = node["revision"], node["view_revision"]
    if held == shall or not shall:
        return f"revision {held}" if held else "-"
    return f"revision {held}, not all of {shall} yet" if held else f"not all of revision {shall} yet"


def _waits(node: Node, now: datetime) -> Iterator[str]:
    for wait in node["waiting"]:
        what = ", ".join(wait["waits_for"]) or "what one of its virtual hosts needs"
        since = f" ({ago(wait['since'], now)})" if "since" in wait else ""
        yield f"waits: {wait['type']} {wait['resource']} for {what}{since}"


def _types(node: Node, now: datetime) -> Iterator[str]:
    rows = [
        [
            status["type"],
            str(status["resources"]),
            _event(status["sent"], status.get("sent_at", ""), now),
            _event(status["acked"], status.get("acked_at", ""), now),
            _event(status["nacked"], status.get("nacked_at", ""), now),
        ]
        for status in node["types"]
    ]
    return iter(table(("type", "resources", "sent", "acked", "refused"), rows).splitlines())


def _event(version: str, at: str, now: datetime) -> str:
    return f"{version} {ago(at, now)}".rstrip() if version else "-"


def _refusals(node: Node, now: datetime) -> Iterator[str]:
    for refusal in node["refusals"]:
        when = f" ({ago(refusal['since'], now)})" if "since" in refusal else ""
        yield f"refused{when}: {refusal['type']} {refusal['resource']}: {refusal['reason']}"
        for one in refusal["locations"]:
            yield f"  {place(one)}"

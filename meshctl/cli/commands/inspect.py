"""`meshctl fleet why` and `fleet config`: one node looked at closely.

May import the client and its neighbours.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click

from meshctl.cli import client
from meshctl.cli.answers import Cause, NodeResource, Why, place
from meshctl.cli.errors import Failure
from meshctl.cli.options import output_option, server_option, types_option
from meshctl.cli.output import ago, hint, moment, plural, write
from meshctl.names import SHORT_NAMES

COLORS = {
    "held": "yellow",
    "synced": "green",
    "refused": "red",
    "stalled": "red",
    "unknown": "red",
    "orphan": "yellow",
    "disconnected": "yellow",
}
"""States, and other causes, in the colours that they are shown in."""


def now() -> datetime:
    """The time that ages are told from."""
    return datetime.now(UTC)


@click.command()
@click.argument("node", metavar="NODE")
@server_option
@output_option("table", "json", "yaml")
def why(node: str, server: str, form: str) -> None:
    """Say why one node is in its state, and what to do about it.

    NODE is the id that `meshctl fleet list` shows, such as web@host-7. Each cause has Envoy's own words, if
    it said any, the lines of the catalog with the team that owns them, and what to write or type next; the
    weightiest comes first.
    """
    answer = client.get_why(server, node)
    if form != "table":
        return write(answer, form)
    for line in why_lines(answer, now()):
        click.echo(line)
    return None


def why_lines(answer: Why, at: datetime) -> Iterator[str]:
    """The causes as people read them."""
    node = answer["node"]
    state = click.style(node["state"], fg=COLORS.get(node["state"]))
    since = f" since {moment(node['state_since'], at)}" if "state_since" in node else ""
    yield f"{node['id']}: " + (f"{state}{since}" if node["connected"] else f"disconnected; it was {state}")
    for cause in answer["causes"]:
        yield ""
        yield from _cause(cause, at)


def _cause(cause: Cause, at: datetime) -> Iterator[str]:
    since = f" ({ago(cause['since'], at)})" if "since" in cause else ""
    yield f"{click.style(cause['kind'], fg=COLORS.get(cause['kind']))}: {cause['words']}{since}"
    if cause["said"]:
        yield f"  Envoy says: {cause['said']}"
    for origin in cause["origins"]:
        whose = ", ".join(filter(None, (origin["entry"], origin["team"] and f"team {origin['team']}")))
        yield f"  {place(origin['location'])}" + (f" ({whose})" if whose else "")
    for step in cause["next"]:
        yield f"  next: {step}"


@click.command()
@click.argument("node", metavar="NODE")
@types_option
@click.option("--name", default="", metavar="NAME", help="Only the resource of this name.")
@server_option
@output_option("yaml", "json")
def config(node: str, types: tuple[str, ...], name: str, server: str, form: str) -> None:
    """Show the exact resources that one node has acknowledged.

    They are decoded from the bytes that were sent to it, as `meshctl render --node NODE` shows what it shall
    get. `differs` lists what it has in another version than that, or not at all, with why. NODE is the id
    that `meshctl fleet list` shows; the node must be connected.
    """
    found = client.get_config(server, node, types, name)
    if name and not found:
        raise Failure(f"{node} has no resource {name!r}: meshctl fleet config {node} shows what it has")
    differing = [one for one in found if one.state != "accepted"]
    write(
        {**_decoded(found, types or tuple(SHORT_NAMES)), "differs": list(map(_difference, differing))}, form
    )
    if differing:
        click.echo(f"{plural(len(differing), 'resource')} not as the catalog wants", err=True)
        hint(f"meshctl fleet why {node}")


def _decoded(found: Sequence[NodeResource], types: Sequence[str]) -> dict[str, object]:
    from meshctl.envoy.decode import decode  # imports Envoy's messages: needed here alone

    return {
        short: [decode(SHORT_NAMES[short], one.body) for one in found if one.type == short and one.version]
        for short in SHORT_NAMES
        if short in types
    }


def _difference(one: NodeResource) -> dict[str, str]:
    return {
        "type": one.type,
        "name": one.name,
        "state": one.state,
        "version": one.version,
        "wanted": one.wanted,
        "reason": one.reason,
    }

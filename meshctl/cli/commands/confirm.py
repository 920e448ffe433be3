"""`meshctl confirm`: lets go what the server guards.

May import the client and its neighbours.
"""

import getpass

import click

from meshctl.cli import client
from meshctl.cli.options import server_option
from meshctl.cli.output import hint


@click.command("confirm")
@click.argument("digest", metavar="HASH")
@server_option
def command(digest: str, server: str) -> None:
    """Let go what the server guards: too much that would vanish at once.

    HASH is what `meshctl fleet list` shows with the list of losses, and stands for exactly this list: where
    it has changed since, nothing goes, and the exit code is 4. Works on the machine alone that the server
    runs on, whose log keeps who confirmed what.
    """
    for loss in client.confirm(server, digest, _user())["losses"]:
        click.echo(f"let go: {loss}")
    hint("meshctl fleet list")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return "unknown"

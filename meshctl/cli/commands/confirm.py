"""`meshctl confirm`: lets go what the server guards.

May import the client and its neighbours.
"""

import click

from meshctl.cli import client
from meshctl.cli.options import server_option
from meshctl.cli.output import hint
from meshctl.cli.user import user


@click.command("confirm")
@click.argument("digest", metavar="HASH")
@server_option
def command(digest: str, server: str) -> None:
    """Let go what the server guards: too much that would vanish at once.

    HASH is what `meshctl fleet list` shows with the list of losses, and stands for exactly this list: where
    it has changed since, nothing goes, and the exit code is 4. Works on the machine alone that the server
    runs on, whose log keeps who confirmed what.
    """
    for loss in client.confirm(server, digest, user())["losses"]:
        click.echo(f"let go: {loss}")
    hint("meshctl fleet list")

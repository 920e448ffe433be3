"""`meshctl version`."""

import click

from meshctl import __version__


@click.command("version")
def command() -> None:
    """Show the version of meshctl."""
    click.echo(f"meshctl {__version__}")

"""`meshctl init`: a new mesh folder.

May import the operation and its neighbours; no protobuf.
"""

from pathlib import Path

import click

from meshctl.cli.errors import Failure
from meshctl.cli.output import hint
from meshctl.operations.init import NotEmpty, PartOfMesh, init


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Start a new mesh: a folder with a catalog of one service.

    Also writes settings for editors and an example for CI. Nothing that exists is overwritten.
    """
    try:
        files = init(folder)
    except (NotEmpty, PartOfMesh) as error:
        raise Failure(str(error)) from None
    for file in files:
        click.echo(str(folder / file))
    add = "meshctl catalog add NAME --port PORT --endpoint ADDRESS:PORT"
    steps = [f"cd {folder}", f"then: {add}"] if folder != Path() else [add]
    hint(*steps, "then: meshctl validate")

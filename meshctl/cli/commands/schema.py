"""`meshctl schema`: the JSON Schema of a catalog's files.

May import the operation and its neighbours; no protobuf.
"""

import click

from meshctl.catalog.source import Kind
from meshctl.operations.schema import schema_text


@click.command("schema")
@click.argument("kind", required=False, type=click.Choice([kind.value for kind in Kind]))
def command(kind: str | None) -> None:
    """Write the JSON Schema (draft 7) of a catalog's files, for editors.

    Without a KIND it is for all of them. `meshctl init` writes that beside mesh.yaml, where files name it to
    editors; after an update of meshctl, make it anew: meshctl schema > catalog/schema.json
    """
    click.echo(schema_text((Kind(kind),) if kind else tuple(Kind)), nl=False)

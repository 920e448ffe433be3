"""`meshctl serve`: the control plane.

May import `serve` and its neighbours.
"""

import asyncio
import os
from pathlib import Path

import click
from click.core import ParameterSource

from meshctl.api.fleet import add_fleet
from meshctl.catalog.folder import MESH_FILE, NoCatalog, find_root
from meshctl.cli.catalogs import no_catalog
from meshctl.cli.errors import Failure
from meshctl.cli.options import STATE, Address, DurationType, catalog_option
from meshctl.serve.app import CannotServe, Settings, run
from meshctl.units import Duration

_DEFAULTS = Settings(Path())


@click.command("serve")
@catalog_option
@click.option(
    "--xds",
    type=Address(),
    default=_DEFAULTS.xds,
    show_default=True,
    help="Where nodes, and `meshctl fleet`, find this server.",
)
@click.option(
    "--http",
    type=Address(),
    default=_DEFAULTS.http,
    show_default=True,
    help="Where /healthz, /readyz and /metrics answer.",
)
@click.option(
    "--state",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the last good state is kept, for a start without a usable catalog; "
    f"without it: {STATE} beside the catalog.",
)
@click.option(
    "--stale-limit",
    type=DurationType(),
    default=_DEFAULTS.stale_limit,
    show_default=True,
    help="A kept state that was last known current longer ago is given to nobody.",
)
def command(catalog: str, xds: str, http: str, state: Path | None, stale_limit: Duration) -> None:
    """Run the control plane on a catalog.

    Watches the catalog, and sends each node what changed. A broken entry stays at its last good text while
    the others go on; `meshctl fleet list` and the log say why. Ends at Ctrl-C or SIGTERM, when its nodes
    have been told to connect elsewhere.
    """
    folder = _folder(catalog, state)
    settings = Settings(folder, xds, http, state or folder.resolve().parent / STATE, stale_limit)
    try:
        asyncio.run(run(settings, [add_fleet]))
    except CannotServe as error:
        raise Failure(str(error)) from None


def _folder(catalog: str, state: Path | None) -> Path:
    """The catalog's folder; one that is not there is waited for if it was named, or was served before.

    It may be a disk that is not mounted yet; the server then says so, and nodes keep what they have. Whoever
    names no folder, or one that is beside or in another catalog, is in the wrong one.
    """
    path, source = Path(catalog), click.get_current_context().get_parameter_source("catalog")
    try:
        return find_root(path)
    except NoCatalog as error:
        around = path.resolve().parent
        others = os.path.isfile(around / MESH_FILE) or os.path.isfile(around / "catalog" / MESH_FILE)
        served_before = not others and (around / STATE).is_dir()
        named = os.path.isdir(path) and not others and source is not ParameterSource.DEFAULT
        if state is not None or served_before or named:
            return path
        raise no_catalog(error) from None

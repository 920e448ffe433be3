"""`meshctl apply`: waits until a folder's content is what every node has, or says why that does not come.

May import the client, the operation and its neighbours.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import click

from meshctl.catalog.folder import read_folder
from meshctl.cli import client
from meshctl.cli.catalog_text import unserved_lines
from meshctl.cli.catalogs import root_of
from meshctl.cli.errors import Failure, Stale, TimedOut
from meshctl.cli.options import DurationType, server_option
from meshctl.cli.output import plural
from meshctl.cli.reach import Reach, reach, some
from meshctl.cli.user import user
from meshctl.operations.admit import ReadEntry
from meshctl.operations.apply import Served, served
from meshctl.units import Duration
from meshctl.verify.polling import until

_SOON_S = 5.0  # a server that watches the folder has read a change long before
_LOOK = "meshctl fleet list"
_TIMEOUT = Duration.parse("10m")


@click.command("apply")
@click.argument("folder", metavar="[DIR]", default=".")
@click.option("--now", is_flag=True, help="Skip the waves: give all nodes the newest at once.")
@click.option(
    "--timeout",
    type=DurationType(),
    default=_TIMEOUT,
    show_default=True,
    help="How long to wait for the nodes; then the exit code is 5, and the change goes on.",
)
@server_option
def command(folder: str, now: bool, timeout: Duration, server: str) -> None:  # noqa: FBT001  # click's call
    """Wait until all nodes have what a catalog says.

    The server watches its own folder and publishes what changes there; this tells how far that is. DIR is
    that folder, or a copy of it: where the server reads something else, the exit code is 4. It is 1 where
    the server holds something back, or where a wave has stopped, and 5 after --timeout, or as soon as only
    nodes are missing that are stalled: silent for 20 s. Nodes that are not connected are not waited for: they
    get it when they come. --now works on the machine alone that the server runs on, whose log keeps who did
    it.
    """
    root = root_of(folder)
    texts = read_folder(root)

    def read() -> Served:
        return served(texts, [ReadEntry(**one) for one in client.list_entries(server)])

    def look() -> Reach:
        return reach(client.list_nodes(server))

    asyncio.run(_published(read, server, root))
    if now:
        for view in client.skip_waves(server, user()):
            click.echo(f"waves skipped: {view}", err=True)
    try:
        found = asyncio.run(_taken(look, timeout.seconds))
    except TimeoutError:
        found = look()
        if found.missing:
            raise TimedOut(f"not all nodes have it after {timeout}: {found.missing}", _LOOK) from None
    _tell(found, f"{plural(len(texts), 'file')} of {root}")


def _tell(found: Reach, what: str) -> None:
    """What has come of it: who has it now, and who is not there to have it."""
    for words in found.absent:
        click.echo(words, err=True)
    if found.having:
        click.echo(f"applied: all connected nodes ({found.having:,}) have {what}")
    else:
        click.echo(f"published: {what}; no node is connected that it is for, and whoever connects gets it")


async def _published(read: Callable[[], Served], server: str, root: Path) -> None:
    """Wait until the server has read the folder's content. Raises Stale, Failure."""
    found = read()

    async def same() -> bool:
        nonlocal found
        found = await asyncio.to_thread(read)
        return not found.different

    try:
        async with asyncio.timeout(_SOON_S):
            await until(same)
    except TimeoutError:
        files = plural(len(found.different), "different file")
        raise Stale(
            f"{server} serves something else than {root}: {files}: {some(found.different)};"
            " name the folder that it watches, or edit the files there"
        ) from None
    if found.held:
        for line in unserved_lines(client.list_nodes(server)["catalog"], server):
            click.echo(line, err=True)
        raise Failure(f"not served as on disk: {some(found.held)}", _LOOK)


async def _taken(look: Callable[[], Reach], timeout_s: float) -> Reach:
    """Wait until all waves are over, and tell how far they are. Raises Failure, TimedOut, TimeoutError."""
    told: set[str] = set()
    found = look()

    async def over() -> bool:
        nonlocal found
        found = await asyncio.to_thread(look)
        return _is_over(found, told)

    if not _is_over(found, told):
        async with asyncio.timeout(timeout_s):
            await until(over)
    if found.stalled:
        raise TimedOut(f"not all nodes have it: {'; '.join(found.stalled)}", _LOOK)
    return found


def _is_over(found: Reach, told: set[str]) -> bool:
    """Whether nothing goes on any more; says who is waited for, where that was not told. Raises Failure."""
    if found.stopped:
        raise Failure(f"stopped: {'; '.join(found.stopped)}", _LOOK)
    for words in (*found.waiting, *found.stalled):
        if words not in told:
            told.add(words)
            click.echo(words, err=True)
    return not found.waiting

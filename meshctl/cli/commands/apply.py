"""`meshctl apply`: waits until a folder's content is what every node has, or says why that does not come.

May import the client, the operation and its neighbours.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from meshctl.catalog.folder import read_folder
from meshctl.cli import client
from meshctl.cli.answers import NodeList, wave_name, wave_reach, wave_waits
from meshctl.cli.catalogs import root_of
from meshctl.cli.errors import Failure, Stale, TimedOut
from meshctl.cli.options import DurationType, server_option
from meshctl.cli.output import hint, plural
from meshctl.cli.user import user
from meshctl.operations.admit import ReadEntry
from meshctl.operations.apply import Progress, progress
from meshctl.units import Duration
from meshctl.verify.polling import until

_SOON_S = 5.0  # a server that watches the folder has read a change long before
_SHOWN = 5  # names in one line
_BUSY = ("sending", "waiting", "stalled")
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
    the server holds something back, or where a wave has stopped, and 5 after --timeout. --now works on the
    machine alone that the server runs on, whose log keeps who did it.
    """
    root = root_of(folder)
    texts = read_folder(root)

    def look() -> Progress:
        served = [ReadEntry(**one) for one in client.list_entries(server)]
        fleet = client.list_nodes(server)
        return progress(texts, served, list(_stopped(fleet)), list(_waiting(fleet)))

    asyncio.run(_published(look, server, root))
    if now:
        for view in client.skip_waves(server, user()):
            click.echo(f"waves skipped: {view}", err=True)
    try:
        asyncio.run(_taken(look, timeout.seconds))
    except TimeoutError:
        last = look()
        if missing := "; ".join([*last.stopped, *last.waiting]):
            raise TimedOut(f"not all nodes have it after {timeout}: {missing}") from None
    click.echo(f"applied: all connected nodes have {plural(len(texts), 'file')} of {root}")


def _stopped(fleet: NodeList) -> Iterator[str]:
    for wave in fleet["catalog"]["waves"]:
        if wave["stopped"]:
            yield f"{wave['view']}: {wave['stopped']}"
    for held in fleet["catalog"]["held"]:
        yield f"{held['view']}: {held['type']} {held['resource']} is held back: {held['reason']}"
    for node in fleet["nodes"]:
        if node["connected"] and node["state"] == "refused":
            yield f"{node['id']}: {node['reason']}"


def _waiting(fleet: NodeList) -> Iterator[str]:
    """Waves that have a node to go to, and nodes that have not answered."""
    for wave in fleet["catalog"]["waves"]:
        if wave["nodes"] and not wave["stopped"]:
            yield f"{wave_name(wave)}: {wave_reach(wave)}{wave_waits(wave)}"
    busy = sorted(node["id"] for node in fleet["nodes"] if node["connected"] and node["state"] in _BUSY)
    if busy:
        yield f"not answered yet: {_some(busy)}"


async def _published(look: Callable[[], Progress], server: str, root: Path) -> None:
    """Wait until the server has read the folder's content. Raises Stale, Failure."""
    found = look()

    async def same() -> bool:
        nonlocal found
        found = await asyncio.to_thread(look)
        return not found.different

    try:
        async with asyncio.timeout(_SOON_S):
            await until(same)
    except TimeoutError:
        files = plural(len(found.different), "different file")
        raise Stale(
            f"{server} serves something else than {root}: {files}: {_some(found.different)};"
            " name the folder that it watches, or edit the files there"
        ) from None
    if found.held:
        hint("meshctl fleet list")
        raise Failure(f"not served as on disk: {_some(found.held)}")


async def _taken(look: Callable[[], Progress], timeout_s: float) -> None:
    """Wait until all waves are over, and tell how far they are. Raises Failure, TimeoutError."""
    told: set[str] = set()

    async def over() -> bool:
        found = await asyncio.to_thread(look)
        if found.stopped:
            hint("meshctl fleet list")
            raise Failure(f"stopped: {'; '.join(found.stopped)}")
        for words in found.waiting:
            if words not in told:
                told.add(words)
                click.echo(words, err=True)
        return not found.waiting

    async with asyncio.timeout(timeout_s):
        await until(over)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

"""`meshctl demo`: a service shifted from v1 to v2 under load, live on stderr, its result on stdout.

May import `verify.demo` and its neighbours, and rich.
"""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from meshctl.cli.errors import EXIT_FAILED, Failure
from meshctl.verify.child import ProcessError
from meshctl.verify.demo import WEIGHTS, Demo, NotReached, Step
from meshctl.verify.load import LoadStuck
from meshctl.verify.processes import ProgramMissing
from meshctl.verify.report import LoadReport

_REPAINT_S = 0.1
_SHOWN_FAILURES = 5
_OPENING = "starting a control plane, two versions of a service, a sidecar and a gateway"


@click.command("demo")
def command() -> int:
    """Shift a service between versions under load, with real Envoys.

    Runs a control plane, a real Envoy as sidecar and one as gateway, and two versions of a service; edits the
    service's weights in five steps, and counts the requests that fail. Everything is on loopback, on free
    ports and in a folder that is removed at the end. Takes under a minute; exits with 1 if a request failed.
    """
    try:
        with TemporaryDirectory(prefix="meshctl-demo-") as folder:
            outcome = asyncio.run(_until_signal(Demo(Path(folder))))
    except (ProgramMissing, ProcessError, LoadStuck, NotReached) as error:
        raise Failure(str(error)) from None
    if isinstance(outcome, signal.Signals):
        click.echo("stopped; nothing is left running", err=True)
        return 128 + outcome  # as shells report it
    for failure in outcome.tally.failures[:_SHOWN_FAILURES]:
        click.echo(f"failed: {failure}", err=True)
    click.echo(str(outcome))
    return EXIT_FAILED if outcome.tally.failed else 0


async def _until_signal(demo: Demo) -> LoadReport | signal.Signals:
    """The report; or the signal that ended the run. Either way everything is taken down."""
    console = Console(stderr=True)
    running = asyncio.ensure_future((_live if console.is_terminal else _lines)(demo, console))
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        received.append(number)
        running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    with suppress(asyncio.CancelledError):
        return await running
    return received[0]


async def _lines(demo: Demo, console: Console) -> LoadReport:
    """One line for each change: for logs."""

    def finished(step: Step) -> None:
        weight, share, requests, failed = _cells(step)
        _tell(console, f"v2 at {weight:>5}: {share:>7} measured, {requests} requests, {failed} failed")

    _tell(console, _OPENING)
    return await demo.run(finished)


def _tell(console: Console, line: str) -> None:
    console.print(line, highlight=False, soft_wrap=True)


async def _live(demo: Demo, console: Console) -> LoadReport:
    """A table that is painted anew all the time: for people."""
    with Live(console=console, auto_refresh=False) as live:

        def paint(_: object = None) -> None:
            live.update(_table(demo), refresh=True)

        painting = asyncio.ensure_future(_repeat(paint))
        try:
            return await demo.run(paint)
        finally:
            painting.cancel()
            paint()


async def _repeat(paint: Callable[[], None]) -> None:
    while True:
        paint()
        await asyncio.sleep(_REPAINT_S)


def _table(demo: Demo) -> Table:
    tally = demo.tally
    title = _OPENING if tally is None else f"{tally.rate:,.0f} requests a second, {tally.failed:,} failed"
    table = Table(title=title, title_justify="left", show_edge=False)
    for head in ("weight of v2", "measured", "requests", "failed"):
        table.add_column(head, justify="right", min_width=len(head))
    steps = {step.weight: step for step in demo.steps}
    for weight in WEIGHTS:
        table.add_row(*(_cells(steps[weight]) if weight in steps else (f"{weight} %", "", "", "")))
    return table


def _cells(step: Step) -> tuple[str, str, str, str]:
    share = "…" if step.share is None else f"{100 * step.share:.1f} %"
    return f"{step.weight} %", share, f"{step.requests:,}", f"{step.failed:,}"

"""What `meshctl validate --envoy` adds: a real Envoy reads all that would be served.

May import `verify` and its neighbours. Loads protobuf, so it is imported only where it is asked for.
"""

from pathlib import Path

import click

from meshctl.cli.errors import Failure
from meshctl.cli.output import plural
from meshctl.operations.render import compiled
from meshctl.operations.resolve import Resolver
from meshctl.operations.validate import Report, validate
from meshctl.verify.asked import read_by_envoy
from meshctl.verify.processes import ProgramMissing
from meshctl.verify.reader import Reader, ReaderFailed


def asked(root: Path) -> tuple[Report, Resolver]:
    """The report on a catalog, with Envoy's words where nothing else is wrong. Raises Failure."""
    try:
        reader = Reader.found()
        compiler = compiled(root)
        report = validate(compiler.resolver)
        if report.valid:
            report = read_by_envoy(compiler, report, reader, _progress)
            _told(report, reader)
        else:
            click.echo("envoy is asked when nothing else is wrong", err=True)
    except (ProgramMissing, ReaderFailed) as error:
        raise Failure(str(error)) from None
    return report, compiler.resolver


def _progress(read: int, total: int) -> None:
    if read < total:
        click.echo(f"envoy has read {read:,} of {plural(total, 'resource')}", err=True)


def _told(report: Report, reader: Reader) -> None:
    if report.valid:
        click.echo(f"envoy {reader.version()} takes everything that would be served", err=True)

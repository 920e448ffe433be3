"""`meshctl validate`: everything that is wrong with a catalog, offline.

May import the operation and its neighbours; no protobuf.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from meshctl.catalog.folder import mesh_around
from meshctl.cli.catalogs import refuse, root_of, with_paths
from meshctl.cli.errors import EXIT_FAILED, Failure
from meshctl.cli.options import output_option
from meshctl.cli.output import hint, plural, write
from meshctl.cli.sarif import sarif
from meshctl.operations.entries import suggested
from meshctl.operations.load import load
from meshctl.operations.resolve import Resolver
from meshctl.operations.validate import STDIN, Report, validate, validate_entry
from meshctl.problems import Finding


@click.command("validate")
@click.argument("folder", metavar="[DIR|-]", default=".")
@click.option(
    "--envoy", is_flag=True, help="Let the Envoy on PATH read everything that would be served, too."
)
@output_option("text", "json", "sarif")
def command(folder: str, *, envoy: bool, form: str) -> None:
    """Check a catalog without a server.

    The exit code is 0 if nothing is wrong, else 1. DIR is a catalog, or a folder that holds catalog/. With -
    one entry is read from stdin and checked by itself.
    """
    if folder == STDIN and envoy:
        raise click.UsageError(
            "--envoy takes a whole catalog: one entry means something only among the others"
        )
    if folder == STDIN:
        _tell(validate_entry(sys.stdin.buffer.read()), Path(), form)
    elif Path(folder).is_file():
        raise Failure(_one_entry(Path(folder)))
    else:
        root = root_of(folder)
        report, resolver = _asked(root) if envoy else _offline(root)
        _tell(report, root, form)
        _next(resolver)


def _offline(root: Path) -> tuple[Report, Resolver]:
    resolver = load(root)
    return validate(resolver), resolver


def _asked(root: Path) -> tuple[Report, Resolver]:
    from meshctl.cli.asking import asked  # only --envoy needs protobuf

    return asked(root)


def _one_entry(file: Path) -> str:
    """What to type for a file: an entry means something only among the others."""
    mesh = mesh_around(file)
    whole = f"check it within its catalog: meshctl validate {mesh}, or by itself" if mesh else "check it"
    return f"{file} is one entry; {whole}: meshctl validate - < {file}"


def _next(resolver: Resolver) -> None:
    """Say what to type next: serve, and start a sidecar."""
    name = suggested(resolver)
    start = f"meshctl bootstrap sidecar --service {name} > {name}.yaml && envoy -c {name}.yaml"
    hint("meshctl serve", *([f"then, in another terminal: {start}"] if name else []))


def _tell(report: Report, root: Path, form: str) -> None:
    findings = with_paths(report.findings, root)
    if form == "json":
        write(
            {
                "valid": report.valid,
                "services": report.services,
                "gateways": report.gateways,
                "problems": [_data(finding) for finding in findings],
            },
            "json",
        )
    elif form == "sarif":
        click.echo(json.dumps(sarif(findings, report.codes), indent=2))
    elif not report.valid:
        refuse(report.findings, root)
    if report.valid:
        counts = f"{plural(report.services, 'service')}, {plural(report.gateways, 'gateway')}"
        click.echo(f"{counts}: ok", err=True)
    else:
        click.get_current_context().exit(EXIT_FAILED)


def _data(finding: Finding) -> dict[str, object]:
    words = {"code": finding.code, "message": finding.message, "fix": finding.fix}
    return {**asdict(finding.span), **words, "also": [asdict(span) for span in finding.also]}

"""The catalog that a command works on, and its problems as people see them: with the paths they typed.

May import `catalog.folder` and `operations.validate`.
"""

from collections.abc import Iterable
from pathlib import Path

import click

from meshctl.catalog.folder import InsideMesh, NoCatalog, find_root
from meshctl.cli.errors import Failure
from meshctl.cli.output import plural
from meshctl.operations.validate import renamed
from meshctl.problems import Finding


def root_of(catalog: str) -> Path:
    """The catalog's folder: `catalog` itself, or catalog/ in it. Raises Failure."""
    try:
        return find_root(Path(catalog))
    except NoCatalog as error:
        raise no_catalog(error) from None


def no_catalog(error: NoCatalog) -> Failure:
    """What is wrong with the folder, and how to name the right one to the command that was typed."""
    if not isinstance(error, InsideMesh):
        return Failure(str(error))
    context = click.get_current_context()
    named = any(param.name == "catalog" for param in context.command.params)
    if named:
        return Failure(f"{error}; add: --catalog {error.mesh}")
    return Failure(f"{error}; type: {context.command_path} {error.mesh}")


def with_paths(findings: Iterable[Finding], root: Path) -> list[Finding]:
    """The findings with paths that an editor finds from here."""
    return [renamed(finding, lambda file: str(root / file)) for finding in findings]


def refuse(findings: Iterable[Finding], root: Path) -> None:
    """Write what is wrong to stdout, and how much of it to stderr."""
    shown = with_paths(findings, root)
    for finding in shown:
        click.echo(str(finding))
    files = len({finding.span.file for finding in shown})
    click.echo(f"{plural(len(shown), 'problem')} in {plural(files, 'file')}", err=True)

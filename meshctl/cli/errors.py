"""What ends a command early: exit codes, and failures that are told in a line.

May import click only.
"""

import os
import traceback
from typing import IO, Any

import click

EXIT_FAILED = 1
EXIT_DENIED = 3
EXIT_STALE = 4
EXIT_TIMEOUT = 5
EXIT_CHANGES = 2
EXIT_USAGE_DETAILED = 64
"""Under --detailed-exitcode, where 2 says that there are changes."""

DETAILED = "--detailed-exitcode"
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


class Failure(click.ClickException):
    """A command that cannot do its work: what is wrong, what to do about it, and what to type then."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, then: str = "") -> None:
        super().__init__(message)
        self._then = then

    def show(self, file: IO[Any] | None = None) -> None:
        """Tell it on stderr."""
        super().show(file)
        if self._then:
            click.echo(f"next: {self._then}", file=file, err=True)


class Denied(Failure):
    """Who asks may not do this, or not from here."""

    exit_code = EXIT_DENIED


class Stale(Failure):
    """What was decided on is no longer what there is."""

    exit_code = EXIT_STALE


class TimedOut(Failure):
    """Somebody who was asked did not answer in time."""

    exit_code = EXIT_TIMEOUT


def unexpected(error: Exception) -> int:
    """Tell of an error that nobody foresaw, and return the exit code.

    A file that cannot be read or written is the user's to repair; all else is a bug of meshctl.
    """
    if isinstance(error, OSError):
        click.echo(f"Error: {error.strerror or error}{_file(error)}", err=True)
        return EXIT_FAILED
    if os.environ.get("MESHCTL_TRACEBACK"):
        traceback.print_exception(error)
    reason = f"{type(error).__name__}: {error}"
    click.echo(f"Error: this is a bug in meshctl: {reason} (MESHCTL_TRACEBACK=1 shows where)", err=True)
    return EXIT_FAILED


def _file(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""

"""The commands as a table: a name, a module and one line of help each, so that `--help` imports none of them.

May import click, `errors` and `groups` beside it; what a command needs is imported with its module.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

import click
from click.shell_completion import CompletionItem

from meshctl import __version__
from meshctl.cli.errors import DETAILED, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE_DETAILED, unexpected
from meshctl.cli.groups import Group


class Row(NamedTuple):
    """A command: its name, the module that holds it as `command`, and its line in the help."""

    name: str
    module: str
    help: str


COMMANDS = (
    Row("init", "init", "Start a new mesh: a folder with a catalog of one service."),
    Row("catalog", "catalog", "Add services; list and show services and gateways."),
    Row("validate", "validate", "Check a catalog without a server."),
    Row("explain", "explain", "Say what a key of the catalog, a kind of entry or an error means."),
    Row("schema", "schema", "Write the JSON Schema (draft 7) of a catalog's files, for editors."),
    Row("render", "render", "Show the exact resources that a node gets."),
    Row("plan", "plan", "Show what a catalog would change at a running server."),
    Row("serve", "serve", "Run the control plane on a catalog."),
    Row("apply", "apply", "Wait until all nodes have what a catalog says."),
    Row("bootstrap", "bootstrap", "Write the configuration that an Envoy starts with."),
    Row("fleet", "fleet", "Show the connected nodes and what they accepted."),
    Row("confirm", "confirm", "Let go what the server guards: too much that would vanish at once."),
    Row("demo", "demo", "Shift a service between versions under load, with real Envoys."),
    Row("version", "version", "Show the version of meshctl."),
)


class _Lazy(Group):
    """A group whose commands are imported when they are typed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [row.name for row in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = next((row for row in COMMANDS if row.name == cmd_name), None)
        if row is None:
            return None
        command: click.Command = import_module(f"meshctl.cli.commands.{row.module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(row.name, row.help) for row in COMMANDS])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        rows = (row for row in COMMANDS if row.name.startswith(incomplete))
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(row.name, help=row.help) for row in rows), *options]


@click.command(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog='Completion of commands and options: put `eval "$(_MESHCTL_COMPLETE=bash_source meshctl)"` into'
    " ~/.bashrc; zsh_source and fish_source work alike.",
)
@click.version_option(__version__, prog_name="meshctl", message="%(prog)s %(version)s")
def cli() -> None:
    """A control plane for Envoy, driven by a catalog of small YAML files.

    Start with `meshctl init`. Each command has its own --help and says what to type next.
    """


def main() -> None:
    """The entry point of the `meshctl` script."""
    _open_closed_streams()
    sys.exit(run(sys.argv[1:]))


def _open_closed_streams() -> None:
    """A standard stream that is closed (`>&-`) leads to nowhere: else the next file takes its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it takes the lowest number that is free: this one
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; whatever goes wrong is a line on stderr."""
    try:
        _check_text(arguments, os.environ)
        result = cli.main(
            args=list(arguments), prog_name="meshctl", standalone_mode=False, color=color(os.environ)
        )
        sys.stdout.flush()
    except click.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        mistyped = isinstance(error, click.UsageError) and DETAILED in arguments
        return EXIT_USAGE_DETAILED if mistyped else error.exit_code
    except BrokenPipeError:
        # The reader went away (`meshctl render | head`); nothing may be written when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001  # the outermost edge: a bug is told in one line
        return unexpected(error)
    return result if isinstance(result, int) else 0


def _check_text(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Refuse bytes that are no UTF-8: they are no name, and cannot be sent or written. Raises UsageError."""
    settings = {name: value for name, value in environment.items() if name.startswith("MESHCTL_")}
    for what, text in (*(("the argument", one) for one in arguments), *settings.items()):
        given = text.encode(errors="surrogateescape")
        shown = given.decode(errors="backslashreplace")
        if shown.encode() != given:
            raise click.UsageError(f"{what} '{shown}' is not UTF-8")


def color(environment: Mapping[str, str]) -> bool | None:
    """Whether to colour: as https://no-color.org and force-color.org say; None leaves it to the terminal."""
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return True if environment.get("FORCE_COLOR") else None

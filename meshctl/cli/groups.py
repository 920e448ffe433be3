"""Groups of commands that answer a misspelt one in one voice: what it is not, and what was probably meant.

May import click and `problems`.
"""

import click

from meshctl.problems import nearest


class Group(click.Group):
    """A group that knows what was meant by a command that it does not have."""

    def meant(self, ctx: click.Context, name: str) -> str | None:
        """The command that `name` was probably meant to be."""
        return nearest(name, self.list_commands(ctx))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is typed; refuses one that is not there."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-") and not ctx.resilient_parsing:
            meant = self.meant(ctx, name)
            hint = f"; did you mean {meant!r}?" if meant else ""
            raise click.UsageError(f"there is no command {name!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

"""`rules`: which differences of a launch are excused, and why."""

from __future__ import annotations

import click

from .add import add
from .apply import apply
from .remove import remove
from .show import show
from .test import test

__all__ = ["rules"]


@click.group(invoke_without_command=True, short_help="Show or change which differences are excused.")
@click.pass_context
def rules(ctx: click.Context) -> None:
    """Which differences are excused, where, why, by whom and until when. Each kind: docs/COMPARING.md."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


rules.add_command(test)


for command in (show, add, remove, apply, test):
    rules.add_command(command)

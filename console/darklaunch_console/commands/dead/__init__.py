"""`dead`: look at dead letters, put them back, or delete them."""

from __future__ import annotations

import click

from .list import list_
from .purge import purge
from .retry import retry
from .show import show


@click.group(invoke_without_command=True)
@click.pass_context
def dead(ctx: click.Context) -> None:
    """Show, retry or delete dead letters, which are kept with their payload.

    A dead letter is an exchange that no worker or comparator could read, or finish in five attempts.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


for command in (list_, show, retry, purge):
    dead.add_command(command)

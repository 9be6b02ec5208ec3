"""`audit`: does every exchange that was ever sampled have an outcome?"""

from __future__ import annotations

from typing import Final

import click

from darklaunch_console.audit.audit_text import render_audit
from darklaunch_console.audit.launch_audit import audit_launch, audit_to_json
from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import EXIT_FAILED
from darklaunch_console.launches.change import find_launch
from darklaunch_console.output.screen import json_option, print_json, print_styled
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis

WITHIN_S: Final = 60.0
WITHIN_HELP: Final = "How long reading the rows may take (with --strict)."
SECONDS: Final = click.FloatRange(min=0.001, max=86_400)


@click.command()
@click.argument("name", callback=check_launch_name)
@click.option(
    "--strict", is_flag=True, help="Also read every row, and fail while something is on its way: for use after `drain`."
)
@click.option("--within", "within_s", metavar="SECONDS", type=SECONDS, default=WITHIN_S, help=WITHIN_HELP)
@click.option("--all", "every", is_flag=True, help="List each finished process, too.")
@json_option
@click.pass_context
def audit(ctx: click.Context, name: str, strict: bool, within_s: float, every: bool, in_json: bool) -> None:
    """Check that every exchange that was sampled has an outcome or is on its way.

    sampled = matched + mismatched + ignored + unverified + shadow error + dead + dropped + on its way.
    With --strict the recorded rows are counted and compared with every sum that is kept of them.
    Exit code 1 when it does not balance.

    \b
    The tables have a row for each app process:
      enqueued  what its hook wrote to Redis       admitted  what Redis knows of
      dropped   left out, by the hook or later     shed      backlog at its bound
      buffer    waiting in the hook                unread    waiting for a worker
      pending   a worker or comparator has it      gap       lost in Redis
    """
    settings: ConsoleSettings = ctx.obj
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        state = find_launch(redis, connection, name).state
        found = audit_launch(redis, connection, state, strict_within_s=within_s if strict else None)
    if in_json:
        print_json(audit_to_json(found))
    else:
        print_styled(render_audit(found, every=every))
    ctx.exit(0 if found.passed else EXIT_FAILED)

"""`worker`: replay captured requests."""

from __future__ import annotations

import logging
import os

import click
from darklaunch_workers.run import run_worker
from darklaunch_workers.settings import read_settings
from pydantic import ValidationError

from darklaunch_console.output.text import format_plural
from darklaunch_console.running.logging import log_to_stderr
from darklaunch_console.running.options import describe_invalid, name_option, override_settings
from darklaunch_console.running.redis_check import refuse_evicting_redis
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.redis import name_redis

log = logging.getLogger("darklaunch.console")


@click.command()
@click.option("--concurrency", type=int, metavar="N", help="Replays in progress at once, per launch and process.")
@click.option("--processes", type=int, metavar="N", help="Processes to run; one for each core is a good number.")
@click.option("--client", type=click.Choice(["auto", "fast", "httpx"]), help="HTTP client.  [default: auto]")
@name_option
@click.pass_context
def worker(ctx: click.Context, concurrency: int | None, processes: int | None, client: str | None, name: str) -> None:
    """Replay captured requests to the shadows, until SIGTERM or Ctrl-C.

    Replays in progress are finished first; what waits stays for the next worker. Run as many workers as you like, on
    as many machines as you like. Each option can be set as DARKLAUNCH_WORKER_CONCURRENCY, … too.
    """
    settings: ConsoleSettings = ctx.obj
    options = {"concurrency": concurrency, "processes": processes, "client": client, "name": name or None}
    redis_url = settings.redis_or_default.url
    try:
        worker_settings = override_settings(read_settings(os.environ), redis_url=redis_url, **options)
    except ValidationError as invalid:
        raise click.UsageError(describe_invalid(invalid), ctx) from None
    log_to_stderr(worker_settings.name or "worker")
    refuse_evicting_redis(settings)
    log.info(
        "replaying what %s holds: %s, %s each",
        name_redis(settings.redis_or_default),
        format_plural(worker_settings.processes, "process", "processes"),
        format_plural(worker_settings.concurrency, "slot"),
    )
    ctx.exit(run_worker(worker_settings))

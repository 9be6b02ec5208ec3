"""`comparator`: compare responses and record the results."""

from __future__ import annotations

import logging
import os

import click
from darklaunch_comparator.run import run_comparator
from darklaunch_comparator.settings import read_settings
from pydantic import ValidationError

from darklaunch_console.running.database import refuse_unmigrated
from darklaunch_console.running.logging import log_to_stderr
from darklaunch_console.running.options import describe_invalid, name_option, override_settings
from darklaunch_console.running.redis_check import refuse_evicting_redis
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import name_postgres, name_redis, require_database

log = logging.getLogger("darklaunch.console")


@click.command()
@name_option
@click.pass_context
def comparator(ctx: click.Context, name: str) -> None:
    """Compare the responses of primary and shadow and record the results, until SIGTERM or Ctrl-C.

    Several may run side by side; one of them is the leader, which judges and cleans up. Settings:
    DARKLAUNCH_COMPARATOR_BATCH, DARKLAUNCH_COMPARATOR_WRITERS, DARKLAUNCH_RETENTION_DAYS.
    """
    settings: ConsoleSettings = ctx.obj
    database = require_database(settings)
    urls = {"redis_url": settings.redis_or_default.url, "database_url": database.url}
    try:
        comparator_settings = override_settings(read_settings(os.environ), **urls, name=name or None)
    except ValidationError as invalid:
        raise click.UsageError(describe_invalid(invalid), ctx) from None
    log_to_stderr(comparator_settings.name or "comparator")
    refuse_evicting_redis(settings)
    refuse_unmigrated(settings)
    redis_name = name_redis(settings.redis_or_default)
    log.info("comparing what %s holds, recording in %s", redis_name, name_postgres(database))
    ctx.exit(run_comparator(comparator_settings))

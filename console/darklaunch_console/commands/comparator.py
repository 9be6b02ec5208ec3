"""`comparator`: compare answers and record results."""

from __future__ import annotations

import logging
import os

import click
from darklaunch_comparator.run import run_comparator
from darklaunch_comparator.settings import read_settings
from darklaunch_comparator.store.migrate import check_migrated
from pydantic import ValidationError

from darklaunch_console.errors import AccessRefused, DatabaseNotMigrated, ServerUnreachable
from darklaunch_console.running.eviction_check import refuse_evicting_redis
from darklaunch_console.running.logging import log_to_stderr
from darklaunch_console.running.options import describe_invalid, name_option, override_settings
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import name_postgres, name_redis, open_postgres, require_database

log = logging.getLogger("darklaunch.console")


@click.command()
@name_option
@click.pass_context
def comparator(ctx: click.Context, name: str) -> None:
    """Compare each pair of answers and record the result, until SIGTERM or Ctrl-C.

    Several may run side by side; one of them leads and keeps house. Settings: DARKLAUNCH_COMPARATOR_BATCH,
    DARKLAUNCH_COMPARATOR_WRITERS, DARKLAUNCH_RETENTION_DAYS.
    """
    settings: ConsoleSettings = ctx.obj
    database = require_database(settings)
    try:
        told = override_settings(
            read_settings(os.environ), redis_url=settings.redis_or_default.url, database_url=database.url
        )
    except ValidationError as wrong:
        raise click.UsageError(describe_invalid(wrong), ctx) from None
    log_to_stderr(name or "comparator")
    refuse_evicting_redis(settings)
    refuse_unmigrated(settings)
    where = name_redis(settings.redis_or_default), name_postgres(database)
    log.info("comparing what %s holds, recording in %s", *where)
    ctx.exit(run_comparator(told))


def refuse_unmigrated(settings: ConsoleSettings) -> None:
    """Raise DatabaseNotMigrated unless the tables are this release's. A Postgres that is away is waited for later."""
    try:
        with open_postgres(settings) as connection:
            check_migrated(connection)
    except (DatabaseNotMigrated, AccessRefused):
        raise
    except ServerUnreachable as away:
        log.warning("%s. Waiting for it.", str(away).rstrip("."))

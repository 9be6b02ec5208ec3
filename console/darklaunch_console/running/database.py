"""The tables in Postgres: created or updated, checked before a comparator starts, opened to a limited role."""

from __future__ import annotations

import logging

from darklaunch_comparator.control.installation import locate_redis
from darklaunch_comparator.errors import UnfitRole
from darklaunch_comparator.store.migrate import check_migrated, migrate
from darklaunch_comparator.store.runtime_role import grant_runtime_role
from darklaunch_comparator.store.server import check_sessions

from darklaunch_console.errors import AccessRefused, ConsoleError, DatabaseNotMigrated, ServerUnreachable
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.installation import join_redis
from darklaunch_console.stores.postgres import open_postgres, require_database
from darklaunch_console.stores.redis import open_redis

log = logging.getLogger("darklaunch.console")


def migrate_database(settings: ConsoleSettings) -> list[str]:
    """Apply the missing migrations and return their names. Raises ConsoleError when the database cannot be used."""
    with open_postgres(settings):  # turns whatever goes wrong in the block into an error of one line
        check_sessions(require_database(settings).url)
        return migrate(require_database(settings).url)


def adopt_redis(settings: ConsoleSettings) -> str:
    """Make the Redis of these settings that of the database's installation; return where it is. Raises ConsoleError."""
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        join_redis(redis, connection, adopt=True)
        return locate_redis(redis)


def grant_role(settings: ConsoleSettings, role: str) -> bool:
    """Grant a role to read and write rows; return whether its time limits could be set. Raises ConsoleError."""
    try:
        with open_postgres(settings):
            return grant_runtime_role(require_database(settings).url, role)
    except UnfitRole as unfit:
        raise ConsoleError(str(unfit)) from None


def refuse_unmigrated(settings: ConsoleSettings) -> None:
    """Raise DatabaseNotMigrated unless the tables are this release's, on a server that gives sessions of one's own.

    A Postgres that cannot be reached is only logged: it may come back.
    """
    try:
        with open_postgres(settings) as connection:
            check_sessions(require_database(settings).url)
            check_migrated(connection)
    except (DatabaseNotMigrated, AccessRefused):
        raise
    except ServerUnreachable as unreachable:
        log.warning("%s. Waiting for it.", str(unreachable).rstrip("."))

"""Migrate the schema: numbered plain-SQL files, each in its own transaction, one migrator at a time.

What was applied is kept in darklaunch.migration with a checksum, so that an edited file and a database of a newer
release are noticed instead of worked with.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from darklaunch_comparator.errors import DatabaseTooNew, MigrationChanged, NotMigrated, ServerTooOld

OLDEST_SERVER: Final = 140000  # PostgreSQL 14, as server_version_num writes it
_LOCK: Final = 0x646C_6D69_6772_6174  # "dlmigrat", told apart from other users of advisory locks in the database
_LOCK_TIMEOUT_S: Final = 60

_LEDGER: Final = b"""
CREATE SCHEMA IF NOT EXISTS darklaunch;
CREATE TABLE IF NOT EXISTS darklaunch.migration (
    version    int PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file: `0001_launches.sql` is version 1, name `launches`; `checksum` is the SHA-256 of its bytes."""

    version: int
    name: str
    sql: bytes
    checksum: str


def read_migrations() -> list[Migration]:
    """Read this release's migrations, in order."""
    found: list[Migration] = []
    for file in files("darklaunch_comparator.store.migrations").iterdir():
        version, _, name = file.name.removesuffix(".sql").partition("_")
        if file.name.endswith(".sql"):
            text = file.read_bytes()
            found.append(Migration(int(version), name, text, sha256(text).hexdigest()))
    return sorted(found, key=lambda migration: migration.version)


def migrate(dsn: str, *, steps: list[Migration] | None = None) -> list[str]:
    """Bring the schema to this release and return what was applied now, as `0001_launches`. Safe to run concurrently.

    `steps` are other migrations than this release's own. Raises ServerTooOld, DatabaseTooNew, MigrationChanged;
    psycopg.Error when the server cannot be reached or refuses.
    """
    known = read_migrations() if steps is None else steps
    with psycopg.connect(dsn, autocommit=True, application_name="darklaunch-migrate") as connection:
        if connection.info.server_version < OLDEST_SERVER:
            raise ServerTooOld(
                f"PostgreSQL {connection.info.server_version // 10000} is too old: darklaunch needs 14 or newer."
            )
        connection.execute(f"SET lock_timeout = '{_LOCK_TIMEOUT_S}s'".encode())
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # released when the connection closes
        connection.execute(_LEDGER)
        pending = _pending(known, _applied(connection))
        for migration in pending:
            with connection.transaction():
                connection.execute(migration.sql)
                connection.execute(
                    "INSERT INTO darklaunch.migration (version, name, checksum) VALUES (%s, %s, %s)",
                    [migration.version, migration.name, migration.checksum],
                )
    return [_title(migration.version, migration.name) for migration in pending]


def check_migrated(connection: Connection[Any]) -> None:
    """Raise NotMigrated, DatabaseTooNew or MigrationChanged unless the schema is exactly this release's."""
    (found,) = connection.execute("SELECT to_regclass('darklaunch.migration') IS NOT NULL").fetchone() or (False,)
    pending = _pending(read_migrations(), _applied(connection) if found else {})
    if pending:
        raise NotMigrated(
            f"The database {connection.info.dbname} lacks {len(pending)} migration(s) of the darklaunch schema, "
            f"beginning with {_title(pending[0].version, pending[0].name)}. Run: darklaunch migrate"
        )


def _applied(connection: Connection[TupleRow]) -> dict[int, tuple[str, str]]:
    rows = connection.execute("SELECT version, name, checksum FROM darklaunch.migration ORDER BY version")
    return {version: (name, checksum) for version, name, checksum in rows}


def _pending(known: list[Migration], applied: dict[int, tuple[str, str]]) -> list[Migration]:
    by_version = {migration.version: migration for migration in known}
    for version, (name, checksum) in applied.items():
        own = by_version.get(version)
        if own is None:
            raise DatabaseTooNew(
                f"The database has migration {_title(version, name)}, which this release does not know: it was "
                "migrated by a newer darklaunch. Install that release, or use another database."
            )
        if own.checksum != checksum:
            raise MigrationChanged(
                f"Migration {_title(version, name)} was applied to this database with other contents "
                f"(checksum {checksum[:12]}, this release has {own.checksum[:12]}). Install the release that applied "
                "it, or restore the file; an applied migration is never edited."
            )
    return [migration for migration in known if migration.version not in applied]


def _title(version: int, name: str) -> str:
    return f"{version:04}_{name}"

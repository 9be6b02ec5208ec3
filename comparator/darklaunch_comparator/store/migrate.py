"""Migrate the schema: numbered plain-SQL files, each in its own transaction, one migrator at a time.

Applied migrations are recorded in darklaunch.migration with their checksums. An edited file or a database of a newer
release is therefore detected before anything works with it.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from darklaunch_comparator.errors import DatabaseTooNew, MigrationChanged, NotMigrated, ServerTooOld, UnfitEncoding

from .connect import set_formats
from .sql import load

OLDEST_SERVER: Final = 140000  # PostgreSQL 14, as server_version_num writes it
_SQL: Final = load("migrate")
_LOCK: Final = 0x646C_6D69_6772_6174  # "dlmigrat", distinct from other users' advisory locks in the database


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file: `0001_schema.sql` is version 1, name `schema`; `checksum` is the SHA-256 of its bytes."""

    version: int
    name: str
    sql: bytes
    checksum: str


def read_migrations() -> list[Migration]:
    """Read this release's migrations, in order."""
    steps: list[Migration] = []
    for file in files("darklaunch_comparator.store.migrations").iterdir():
        version, _, name = file.name.removesuffix(".sql").partition("_")
        if file.name.endswith(".sql"):
            text = file.read_bytes()
            steps.append(Migration(int(version), name, text, sha256(text).hexdigest()))
    return sorted(steps, key=lambda migration: migration.version)


def migrate(dsn: str, *, steps: list[Migration] | None = None) -> list[str]:
    """Bring the schema to this release and return what was applied now, as `0001_schema`. Safe to run concurrently.

    `steps` replaces this release's migrations. Raises ServerTooOld, UnfitEncoding, DatabaseTooNew,
    MigrationChanged, and psycopg.Error when the server cannot be reached or refuses.
    """
    known = read_migrations() if steps is None else steps
    with psycopg.connect(dsn, autocommit=True, application_name="darklaunch-migrate") as connection:
        if connection.info.server_version < OLDEST_SERVER:
            raise ServerTooOld(
                f"PostgreSQL {connection.info.server_version // 10000} is too old: darklaunch needs 14 or newer."
            )
        set_formats(connection)
        check_encoding(connection)
        connection.execute(_SQL["limit_lock_wait"])
        connection.execute(_SQL["lock"], {"lock": _LOCK})
        connection.execute(_SQL["create_table"])
        pending = _find_pending(known, _read_applied(connection))
        for migration in pending:
            with connection.transaction():
                connection.execute(migration.sql)
                connection.execute(
                    _SQL["add"],
                    {"version": migration.version, "name": migration.name, "checksum": migration.checksum},
                )
    return [_format_title(migration.version, migration.name) for migration in pending]


def check_encoding(connection: Connection[Any]) -> None:
    """Raise UnfitEncoding unless the database stores text as UTF-8: responses have characters that no other has."""
    encoding = connection.info.parameter_status("server_encoding") or ""
    if encoding != "UTF8":
        raise UnfitEncoding(
            f"The database {connection.info.dbname} stores text as {encoding}, in which responses cannot be kept. "
            "Create another one, CREATE DATABASE darklaunch ENCODING 'UTF8' TEMPLATE template0, and set DATABASE_URL"
        )


def check_migrated(connection: Connection[Any]) -> None:
    """Raise NotMigrated, DatabaseTooNew or MigrationChanged unless the schema is exactly this release's."""
    (exists,) = connection.execute(_SQL["table_exists"]).fetchone() or (False,)
    pending = _find_pending(read_migrations(), _read_applied(connection) if exists else {})
    if pending:
        raise NotMigrated(
            f"The database {connection.info.dbname} lacks {len(pending)} migration(s) of the darklaunch schema, "
            f"beginning with {_format_title(pending[0].version, pending[0].name)}. Run: darklaunch migrate"
        )


def _read_applied(connection: Connection[TupleRow]) -> dict[int, tuple[str, str]]:
    return {version: (name, checksum) for version, name, checksum in connection.execute(_SQL["applied"])}


def _find_pending(known: list[Migration], applied: dict[int, tuple[str, str]]) -> list[Migration]:
    by_version = {migration.version: migration for migration in known}
    for version, (name, checksum) in applied.items():
        own = by_version.get(version)
        if own is None:
            raise DatabaseTooNew(
                f"The database has migration {_format_title(version, name)}, which this release does not know: it was "
                "migrated by a newer darklaunch. Install that release, or use another database."
            )
        if own.checksum != checksum:
            raise MigrationChanged(
                f"Migration {_format_title(version, name)} was applied to this database with other contents "
                f"(checksum {checksum[:12]}, this release has {own.checksum[:12]}). Install the release that applied "
                "it, or restore the file; an applied migration is never edited."
            )
    return [migration for migration in known if migration.version not in applied]


def _format_title(version: int, name: str) -> str:
    return f"{version:04}_{name}"

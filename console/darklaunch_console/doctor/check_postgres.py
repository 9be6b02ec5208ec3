"""Is this Postgres fit to keep the record?"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from darklaunch_comparator.errors import StoreError
from darklaunch_comparator.store.migrate import OLDEST_SERVER, check_migrated

from darklaunch_console.output.numbers import format_bytes, format_ms
from darklaunch_console.output.text import escape_unprintable
from darklaunch_console.stores.postgres import Connection

from .check_redis import judge_clock
from .check_result import CheckResult, fail, ok, warn

_SIZE: Final = b"""
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'darklaunch' AND c.relkind IN ('r', 'm')
"""
_PRIVILEGES: Final = b"""
SELECT current_user,
       array_remove(ARRAY(
           SELECT format('%s on %s', p.privilege, c.relname)
           FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
           CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS p (privilege)
           WHERE n.nspname = 'darklaunch' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
             AND c.relname NOT IN ('migration', 'event', 'salt') AND NOT has_table_privilege(c.oid, p.privilege)
           ORDER BY c.relname, p.privilege LIMIT 3
       ) || ARRAY(
           SELECT format('EXECUTE on %s', p.proname)
           FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
           WHERE n.nspname = 'darklaunch' AND NOT has_function_privilege(p.oid, 'EXECUTE')
           ORDER BY p.proname LIMIT 2
       ), NULL),
       has_schema_privilege('darklaunch', 'CREATE')
"""


def check_postgres(connection: Connection, where: str) -> list[CheckResult]:
    """Check version, migrations, partitions, role and clock of a Postgres. Raises psycopg.Error."""
    began = time.perf_counter()
    row: Any = connection.execute("SELECT clock_timestamp(), pg_is_in_recovery()").fetchone()
    took_ms = (time.perf_counter() - began) * 1000
    now, replica = row
    version = connection.info.server_version
    name = f"PostgreSQL {version // 10000}.{version % 10000}"
    found = [
        ok(f"{where} answers in {format_ms(took_ms)} ({name})")
        if version >= OLDEST_SERVER
        else fail(f"{where} is {name}", "Use PostgreSQL 14 or newer."),
        judge_clock("Postgres", now.timestamp() - time.time()),
    ]
    if replica:
        found.append(fail(f"{where} is a read-only replica", "Set DATABASE_URL to the primary."))
    try:
        check_migrated(connection)
    except StoreError as wrong:
        what, _, do = str(wrong).partition(". ")
        return [*found, fail(what, do)]
    (taken,) = connection.execute(_SIZE).fetchone() or (0,)
    found.append(ok(f"Postgres has the tables of this release, {format_bytes(int(taken))} of data"))
    found.append(_partitions(connection, now))
    found.append(_privileges(connection))
    return found


def _privileges(connection: Connection) -> CheckResult:
    row: Any = connection.execute(_PRIVILEGES).fetchone()
    user, lacking, may_create = row
    if lacking:
        what = f"The Postgres role {escape_unprintable(user)} lacks rights: {', '.join(lacking)}"
        return fail(
            what, f"As the role that owns the tables: darklaunch migrate --runtime-role {escape_unprintable(user)}."
        )
    more = "and change tables" if may_create else "and no more"
    return ok(f"The Postgres role {escape_unprintable(user)} may do what comparators do, {more}")


def _partitions(connection: Connection, now: datetime) -> CheckResult:
    days = {day for (day,) in connection.execute("SELECT darklaunch.partition_days()")}
    today = now.astimezone(UTC).date()
    if {today, today + timedelta(days=1)} <= days:
        return ok(f"Partitions are made ahead, until {max(days)}")
    return warn(
        "Partitions for today and tomorrow are missing: results go to the default partition",
        "Run a comparator: the one that leads makes them.",
    )

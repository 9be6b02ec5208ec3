"""Is this Postgres fit to keep the record?"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from darklaunch_comparator.errors import StoreError
from darklaunch_comparator.store.migrate import OLDEST_SERVER, check_migrated

from darklaunch_console.output.numbers import milliseconds, size
from darklaunch_console.stores import Connection

from .check_redis import judge_clock
from .findings import Finding, fail, ok, warn

_SIZE: Final = b"""
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'darklaunch' AND c.relkind IN ('r', 'm')
"""


def check_postgres(connection: Connection, where: str) -> list[Finding]:
    """Check version, migrations, partitions, role and clock of a Postgres. Raises psycopg.Error."""
    began = time.perf_counter()
    row: Any = connection.execute("SELECT clock_timestamp(), pg_is_in_recovery()").fetchone()
    took_ms = (time.perf_counter() - began) * 1000
    now, replica = row
    version = connection.info.server_version
    name = f"PostgreSQL {version // 10000}.{version % 10000}"
    found = [
        ok(f"{where} answers in {milliseconds(took_ms)} ({name})")
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
    found.append(ok(f"Postgres has the tables of this release, {size(int(taken))} of data"))
    found.append(_partitions(connection, now))
    return found


def _partitions(connection: Connection, now: datetime) -> Finding:
    days = {day for (day,) in connection.execute("SELECT darklaunch.partition_days()")}
    today = now.astimezone(UTC).date()
    if {today, today + timedelta(days=1)} <= days:
        return ok(f"Partitions are made ahead, until {max(days)}")
    return warn(
        "Partitions for today and tomorrow are missing: results go to the default partition",
        "Run a comparator: the one that leads makes them.",
    )

"""Whether this Postgres can keep the record: version, tables, partitions, role, clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from darklaunch_comparator.errors import StoreError
from darklaunch_comparator.store.migrate import OLDEST_SERVER, check_encoding, check_migrated
from darklaunch_comparator.store.partitions import read_partition_days
from darklaunch_comparator.store.server import read_role_privileges, read_schema_size, read_server_clock

from darklaunch_console.output.numbers import format_bytes, format_ms
from darklaunch_console.output.text import escape_unprintable
from darklaunch_console.stores.postgres import Connection

from .check_redis import judge_clock
from .check_result import CheckResult, fail, ok, warn


def check_postgres(connection: Connection, where: str) -> list[CheckResult]:
    """Check version, migrations, partitions, role and clock of a Postgres. Raises psycopg.Error."""
    began = time.perf_counter()
    clock = read_server_clock(connection)
    took_ms = (time.perf_counter() - began) * 1000
    version = connection.info.server_version
    name = f"PostgreSQL {version // 10000}.{version % 10000}"
    results = [
        ok(f"{where} responds in {format_ms(took_ms)} ({name})")
        if version >= OLDEST_SERVER
        else fail(f"{where} is {name}", "Use PostgreSQL 14 or newer."),
        judge_clock("Postgres", clock.now.timestamp() - time.time()),
    ]
    if clock.is_replica:
        results.append(fail(f"{where} is a read-only replica", "Set DATABASE_URL to the primary."))
    try:
        check_encoding(connection)
        check_migrated(connection)
    except StoreError as unfit:
        what, _, do = str(unfit).partition(". ")
        return [*results, fail(what, do)]
    results.append(ok(f"Postgres has the tables of this release, {format_bytes(read_schema_size(connection))} of data"))
    results.append(_check_partitions(connection, clock.now))
    results.append(_check_privileges(connection))
    return results


def _check_privileges(connection: Connection) -> CheckResult:
    privileges = read_role_privileges(connection)
    user = escape_unprintable(privileges.role)
    if privileges.missing:
        what = f"The Postgres role {user} lacks rights: {', '.join(privileges.missing)}"
        return fail(what, f"As the role that owns the tables: darklaunch migrate --runtime-role {user}.")
    more = ", and may change tables" if privileges.may_create_tables else ""
    return ok(f"The Postgres role {user} has the rights that comparators need{more}")


def _check_partitions(connection: Connection, now: datetime) -> CheckResult:
    days = set(read_partition_days(connection))
    today = now.astimezone(UTC).date()
    if {today, today + timedelta(days=1)} <= days:
        return ok(f"Partitions are created ahead, until {max(days)}")
    return warn(
        "Partitions for today and tomorrow are missing: results go to the default partition",
        "Start a comparator: the leader creates them.",
    )

"""Partitions of results: made ahead and when needed, dropped when old. No row waits for one: the default takes it.

Only days from the retention's start to two days ahead get a partition, so that whoever forges capture times cannot
make thousands.
"""

import logging
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Any, Final

from psycopg import Connection, sql
from psycopg.errors import CheckViolation, DeadlockDetected, LockNotAvailable, QueryCanceled

from .sql import load

_SQL = load("partitions")
AHEAD_DAYS: Final = 2
_BUSY: Final = (LockNotAvailable, QueryCanceled, DeadlockDetected, CheckViolation)
_DELETE_AT_ONCE: Final = 10_000
_BRIEFLY: Final = "SET LOCAL lock_timeout = '1s'"  # others queue up behind whoever waits for an exclusive lock
AGAIN_S: Final = 60.0

log = logging.getLogger("darklaunch.comparator")


def today_utc() -> date:
    """Give the day, UTC."""
    return datetime.now(UTC).date()


class ResultPartitions:
    """Sees that days have partitions, over one connection; remembers which do."""

    def __init__(self, connection: Connection[Any], retention_days: int) -> None:
        self._connection, self._retention_days = connection, retention_days
        self._made: set[date] = set()
        self._again_s = 0.0

    def ensure(self, days: Iterable[date], now: date) -> None:
        """Make the partitions of these days that are missing and may be made. Raises psycopg.Error when cut off.

        One that cannot be made now, because the table is busy, is left for later.
        """
        first, last = now - timedelta(days=self._retention_days), now + timedelta(days=AHEAD_DAYS)
        wanted = {day for day in days if first <= day <= last} - self._made
        if wanted and time.monotonic() >= self._again_s:
            self._made |= set(takewhile(self._make, sorted(wanted)))

    def keep(self, now: date) -> list[date]:
        """Make yesterday's to the day after tomorrow's, give default rows a home, drop what is past retention.

        Returns the days dropped. Raises psycopg.Error when cut off.
        """
        stray = self._connection.execute("SELECT DISTINCT day FROM darklaunch.result_default")
        ahead = {now + timedelta(days=offset) for offset in range(-1, AHEAD_DAYS + 1)}
        self._made.clear()
        self._again_s = 0.0
        self.ensure(ahead | {day for (day,) in stray}, now)
        first = now - timedelta(days=self._retention_days)
        existing = [day for (day,) in self._connection.execute("SELECT darklaunch.partition_days()")]
        dropped = list(takewhile(self._drop, [day for day in existing if day < first]))
        self._forget(first)
        return dropped

    def _make(self, day: date) -> bool:
        if self._try(sql.SQL("SELECT darklaunch.ensure_partition({})").format(day), f"making the partition of {day}"):
            return True
        self._again_s = time.monotonic() + AGAIN_S
        return False

    def _drop(self, day: date) -> bool:
        return self._try(
            sql.SQL("SELECT darklaunch.drop_partition({})").format(day), f"dropping the partition of {day}"
        )

    def _try(self, statement: sql.Composed, act: str) -> bool:
        try:
            with self._connection.transaction():
                self._connection.execute(_BRIEFLY)
                self._connection.execute(statement)
        except _BUSY as busy:
            log.warning("%s waits until the table is less busy: %s", act, busy)
            return False
        return True

    def _forget(self, first: date) -> None:
        """Delete what has no partition of its own to be dropped with, some at a time."""
        for statement in (_SQL["forget_stray"], _SQL["forget_blocks"], _SQL["forget_provisional"]):
            try:
                self._connection.execute(statement, {"first": first, "most": _DELETE_AT_ONCE})
            except _BUSY as busy:
                log.warning("old rows are deleted later: %s", busy)

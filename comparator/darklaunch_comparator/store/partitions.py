"""Daily partitions of results: created ahead and on demand, dropped when old. Rows without one go to the default.

Only days from the start of retention to two days ahead get a partition. Forged capture times cannot create thousands.
"""

import logging
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Any, Final

from psycopg import Connection
from psycopg.errors import CheckViolation, DeadlockDetected, LockNotAvailable, QueryCanceled

from .sql import load

AHEAD_DAYS: Final = 2
RETRY_AFTER_S: Final = 60.0
_SQL: Final = load("partitions")
_BUSY: Final = (LockNotAvailable, QueryCanceled, DeadlockDetected, CheckViolation)
_DELETE_AT_ONCE: Final = 10_000

log = logging.getLogger("darklaunch.comparator")


def today_utc() -> date:
    """Return today's date in UTC."""
    return datetime.now(UTC).date()


def read_partition_days(connection: Connection[Any]) -> list[date]:
    """Read which days have a partition of their own, in order."""
    return [day for (day,) in connection.execute(_SQL["days"])]


class ResultPartitions:
    """The partitions of one database, managed over one connection; remembers which days have one."""

    def __init__(self, connection: Connection[Any], retention_days: int) -> None:
        self._connection = connection
        self._retention_days = retention_days
        self._existing: set[date] = set()
        self._retry_at_s = 0.0

    def ensure(self, days: Iterable[date], now: date) -> None:
        """Create the missing partitions among `days`, where retention allows one. Raises psycopg.Error when cut off.

        While the table is busy, creating is put off; rows go to the default partition meanwhile.
        """
        first = now - timedelta(days=self._retention_days)
        last = now + timedelta(days=AHEAD_DAYS)
        wanted = {day for day in days if first <= day <= last} - self._existing
        if wanted and time.monotonic() >= self._retry_at_s:
            self._existing |= set(takewhile(self._create, sorted(wanted)))

    def maintain(self, now: date) -> list[date]:
        """Create partitions from yesterday to the day after tomorrow and for days in the default, drop old ones.

        Returns the days dropped. Raises psycopg.Error when cut off.
        """
        default_days = {day for (day,) in self._connection.execute(_SQL["default_days"])}
        ahead = {now + timedelta(days=offset) for offset in range(-1, AHEAD_DAYS + 1)}
        self._existing.clear()
        self._retry_at_s = 0.0
        self.ensure(ahead | default_days, now)
        first = now - timedelta(days=self._retention_days)
        old = [day for day in read_partition_days(self._connection) if day < first]
        dropped = list(takewhile(self._drop, old))
        self._remove_old_rows(first)
        return dropped

    def _create(self, day: date) -> bool:
        if self._try("ensure", day, "creating"):
            return True
        self._retry_at_s = time.monotonic() + RETRY_AFTER_S
        return False

    def _drop(self, day: date) -> bool:
        return self._try("drop", day, "dropping")

    def _try(self, query: str, day: date, act: str) -> bool:
        try:
            with self._connection.transaction():
                self._connection.execute(_SQL["limit_lock_wait"])
                self._connection.execute(_SQL[query], {"day": day})
        except _BUSY as busy:
            log.warning("%s the partition of %s waits until the table is less busy: %s", act, day, busy)
            return False
        return True

    def _remove_old_rows(self, first: date) -> None:
        """Delete rows older than `first` that no dropped partition contained, a limited number at a time."""
        for query in ("remove_default_rows", "remove_buckets", "remove_provisional"):
            try:
                self._connection.execute(_SQL[query], {"first": first, "most": _DELETE_AT_ONCE})
            except _BUSY as busy:
                log.warning("old rows are deleted later: %s", busy)

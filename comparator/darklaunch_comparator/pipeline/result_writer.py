"""Record batches, however long it takes: wait for a server that is away, isolate a row that it refuses.

Blocking. Each writer thread has a `ResultWriter` with a connection of its own.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import psycopg
from darklaunch_shared.process.backoff import Backoff
from psycopg import Connection

from darklaunch_comparator.errors import ComparatorError
from darklaunch_comparator.results.result import DAY_MS, ExchangeResult
from darklaunch_comparator.store.classify_error import BatchFailure, classify_error
from darklaunch_comparator.store.connect import ConnectionLimits, connect_store
from darklaunch_comparator.store.explain_error import explain_postgres_error
from darklaunch_comparator.store.partitions import ResultPartitions, today_utc
from darklaunch_comparator.store.write_batch import WrittenBatch, prepare_connection, write_batch
from darklaunch_comparator.store.writer_cache import WriterCache

IMMEDIATE_RETRIES: Final = 3
"""How often a batch that lost a race against other writers is tried again without waiting."""
LOG_EVERY_FAILURES: Final = 60
_EPOCH: Final = date(1970, 1, 1)

log = logging.getLogger("darklaunch.comparator")


class WriterStopped(ComparatorError):
    """The process is stopping and this batch is not recorded: its entries go back to the stream."""


@dataclass(frozen=True, slots=True)
class RefusedResult:
    """A result that Postgres does not accept, and the reason it states."""

    result: ExchangeResult
    reason: str


class ResultWriter:
    """Records results over a connection that it renews by itself. Setting `stop` ends its waiting."""

    def __init__(
        self,
        dsn: str,
        *,
        name: str,
        retention_days: int,
        stop: threading.Event,
        limits: ConnectionLimits | None = None,
        cache: WriterCache | None = None,
    ) -> None:
        self._dsn = dsn
        self._name = name
        self._retention_days = retention_days
        self._stop = stop
        self._limits = limits
        self._cache = cache or WriterCache()
        self._connection: Connection[Any] | None = None
        self._partitions: ResultPartitions | None = None

    def record(self, launch: str, results: Sequence[ExchangeResult]) -> list[RefusedResult]:
        """Record results of one launch, each exactly once, however long Postgres is away. Return those it refuses.

        Raises WriterStopped when told to stop while waiting.
        """
        refused: list[RefusedResult] = []
        batches = [list(results)]
        backoff = Backoff()
        lost_races = 0
        while batches:
            batch = batches.pop()
            try:
                self._write(launch, batch)
            except Exception as error:
                failure = classify_error(error)
                if failure is BatchFailure.ROW:
                    half = len(batch) // 2
                    if half == 0:
                        log.error("%s: Postgres refuses the row of %s: %s", launch, batch[0].exchange_id, error)
                        refused.append(RefusedResult(batch[0], " ".join(str(error).split())))
                    else:
                        batches += [batch[half:], batch[:half]]
                    continue
                batches.append(batch)
                if failure is BatchFailure.RACE and lost_races < IMMEDIATE_RETRIES:
                    lost_races += 1
                else:
                    self._wait_after(error, backoff)
            else:
                if backoff.failures:
                    log.warning("recording again after %d failures", backoff.failures)
                backoff.reset()
                lost_races = 0
        return refused

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._partitions = None

    def _write(self, launch: str, batch: list[ExchangeResult]) -> WrittenBatch:
        connection, partitions = self._connect()
        partitions.ensure(_find_days(batch), today_utc())
        return write_batch(connection, launch, batch, self._cache)

    def _connect(self) -> tuple[Connection[Any], ResultPartitions]:
        if self._connection is None or self._partitions is None:
            connection = connect_store(self._dsn, name=self._name, limits=self._limits)
            self._connection = connection
            self._partitions = ResultPartitions(connection, self._retention_days)
            prepare_connection(connection)
        return self._connection, self._partitions

    def _wait_after(self, error: Exception, backoff: Backoff) -> None:
        self.close()  # the state of this connection is unknown; only a new one is surely sound
        if backoff.failures % LOG_EVERY_FAILURES == 0:
            cause = explain_postgres_error(error, self._dsn).text if isinstance(error, psycopg.Error) else repr(error)
            log.warning("%s. Nothing is lost: results wait, and are recorded when Postgres accepts them.", cause)
        if self._stop.wait(backoff.next_s()):
            raise WriterStopped


def _find_days(batch: Iterable[ExchangeResult]) -> set[date]:
    return {_EPOCH + timedelta(days=day) for day in {result.captured_at_ms // DAY_MS for result in batch}}

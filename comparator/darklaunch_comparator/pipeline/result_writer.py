"""Record batches until they are recorded: wait for a server that is away, search for a row that it refuses.

Blocking; each writer thread has a recorder with a connection of its own.
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

from darklaunch_comparator.results.result import DAY_MS, ExchangeResult
from darklaunch_comparator.store.classify_error import BatchFailure, classify_error
from darklaunch_comparator.store.connect import ConnectionLimits, connect_store, explain_postgres_error
from darklaunch_comparator.store.partitions import ResultPartitions, today_utc
from darklaunch_comparator.store.write_batch import WrittenBatch, prepare_connection, write_batch
from darklaunch_comparator.store.writer_cache import WriterCache

AT_ONCE: Final = 3
"""How often a batch that lost a race against other writers is tried again without waiting."""
TELL_EVERY: Final = 60
_EPOCH: Final = date(1970, 1, 1)

log = logging.getLogger("darklaunch.comparator")


class WriterStopped(Exception):
    """The process is stopping, and what was to be recorded may not be: give it back."""


@dataclass(frozen=True, slots=True)
class RefusedResult:
    """A finding that Postgres does not take, and why."""

    finding: ExchangeResult
    why: str


class ResultWriter:
    """Records findings, reconnecting by itself. `stop` ends its waiting."""

    def __init__(
        self,
        dsn: str,
        *,
        name: str,
        retention_days: int,
        stop: threading.Event,
        patience: ConnectionLimits | None = None,
        memory: WriterCache | None = None,
    ) -> None:
        self._dsn, self._name, self._stop = dsn, name, stop
        self._retention_days, self._patience = retention_days, patience
        self._memory = memory or WriterCache()
        self._connection: Connection[Any] | None = None
        self._partitions: ResultPartitions | None = None

    def record(self, launch: str, findings: Sequence[ExchangeResult]) -> list[RefusedResult]:
        """Record findings of one launch, each exactly once, however long Postgres is away; give back what it refuses.

        Raises Stopped when told to stop while waiting.
        """
        refused: list[RefusedResult] = []
        waiting = [list(findings)]
        backoff, raced = Backoff(), 0
        while waiting:
            batch = waiting.pop()
            try:
                self._write(launch, batch)
            except Exception as error:
                blame = classify_error(error)
                if blame is BatchFailure.ROW:
                    half = len(batch) // 2
                    if half == 0:
                        log.error("%s: Postgres refuses the row of %s: %s", launch, batch[0].exchange_id, error)
                        refused.append(RefusedResult(batch[0], " ".join(str(error).split())))
                    else:
                        waiting += [batch[half:], batch[:half]]
                    continue
                waiting.append(batch)
                if blame is BatchFailure.RACE and raced < AT_ONCE:
                    raced += 1
                else:
                    self._wait_out(error, backoff)
            else:
                if backoff.failures:
                    log.warning("recording again after %d failures", backoff.failures)
                backoff.reset()
                raced = 0
        return refused

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._partitions = None

    def _write(self, launch: str, batch: list[ExchangeResult]) -> WrittenBatch:
        connection, partitions = self._ready()
        partitions.ensure(_days(batch), today_utc())
        return write_batch(connection, launch, batch, self._memory)

    def _ready(self) -> tuple[Connection[Any], ResultPartitions]:
        if self._connection is None or self._partitions is None:
            connection = connect_store(self._dsn, name=self._name, patience=self._patience)
            self._connection, self._partitions = connection, ResultPartitions(connection, self._retention_days)
            prepare_connection(connection)
        return self._connection, self._partitions

    def _wait_out(self, error: Exception, backoff: Backoff) -> None:
        self.close()  # whatever state it is in: a new connection is the one thing sure to be sound
        if backoff.failures % TELL_EVERY == 0:
            told = explain_postgres_error(error, self._dsn) if isinstance(error, psycopg.Error) else repr(error)
            log.warning("%s Nothing is lost: what was compared waits, and is recorded when it answers.", told)
        if self._stop.wait(backoff.next_s()):
            raise WriterStopped


def _days(batch: Iterable[ExchangeResult]) -> set[date]:
    return {_EPOCH + timedelta(days=day) for day in {finding.captured_at_ms // DAY_MS for finding in batch}}

"""One launch's queue in one process: what waits, what is being sent, and the numbers. No I/O.

An exchange gets its number only when its batch is sent. If Redis definitely did not write the batch, the next batch has
its numbers. If nobody knows whether it was written, the batch keeps its numbers and is sent again until Redis replies;
admission recognises what it already has. So at every moment

    sampled = seq + dropped + waiting (the batch being sent included)

and every number up to `seq` was written to Redis.
"""

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus
from darklaunch_shared.process.backoff import Backoff
from darklaunch_shared.redis.script_calls import Argument, ScriptCall
from darklaunch_shared.wire.exchange import META_CAP_BYTES
from darklaunch_shared.wire.producer_counters import ProducerCounters

BATCH_ENTRIES: Final = 250
BATCH_BYTES: Final = 1_048_576


class PackedExchange(NamedTuple):
    """One exchange as admission takes it: meta (JSON), request body, response body."""

    meta: bytes
    request: bytes
    response: bytes


class QueuedExchange(Protocol):
    """An exchange in a queue. Several launches may share it."""

    @property
    def captured_at_ms(self) -> int:
        """When it was captured, in milliseconds since the epoch."""
        ...

    def pack(self, launch: str, exchange_id: str, *, seal: bool) -> PackedExchange:
        """Pack it for one launch under an id. Raises an Exception when it cannot be sent."""
        ...

    def release(self) -> None:
        """Note that one launch is done with it."""


@dataclass(frozen=True, slots=True)
class ExchangeBatch:
    """Exchanges that are sent together; `first_seq` is the number of the first of them."""

    first_seq: int
    exchanges: tuple[PackedExchange, ...]


class LaunchQueue:
    """The exchanges of one launch in one process.

    `state` is the launch as last read. `drop_reason` is why exchanges are dropped while the launch must not mirror, ""
    while it may. The shard is chosen once, so that within it a producer's numbers have no gaps. `dropped` and `skipped`
    count by reason.
    """

    def __init__(self, state: LaunchState, producer: str, started_ms: int) -> None:
        self.name = state.name
        self.state = state
        self.drop_reason = ""
        self.shard = keys.shard_of(producer, max(1, state.spec.shards))
        self.backoff = Backoff(first_s=1.0)
        self.retry_at_s = 0.0
        self.sampled = 0
        self.seq = 0
        self.dropped: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self._producer = producer
        self._started_ms = started_ms
        self._waiting: deque[QueuedExchange] = deque()
        self._batch: ExchangeBatch | None = None
        self._batch_sources: list[QueuedExchange] = []
        self._maybe_written = False
        self._reported_totals = (0, 0, 0, 0)

    def go_on_from(self, counters: ProducerCounters) -> None:
        """Go on as the producer that wrote these counters; nothing may have been added yet."""
        self.sampled, self.seq = counters.sampled, counters.seq
        self.dropped, self.skipped = Counter(counters.dropped), Counter(counters.skipped)
        self._started_ms = counters.started_ms

    @property
    def waiting(self) -> int:
        """The number of exchanges that wait, those of the batch being sent included."""
        return len(self._waiting) + len(self._batch_sources)

    def apply_state(self, state: LaunchState | None, unknown_reason: str = "paused") -> None:
        """Obey the launch's state, None when it is unknown. What waits for a launch that must not mirror is dropped."""
        self.state = state or self.state
        if state is None:
            self.drop_reason = unknown_reason
        elif state.hold or state.status is LaunchStatus.ROLLED_BACK:
            self.drop_reason = "superseded_by_rollback"
        else:
            self.drop_reason = "" if state.status is LaunchStatus.ACTIVE else "paused"
        if self.drop_reason:
            self.drop_waiting(self.drop_reason)

    def add(self, exchange: QueuedExchange) -> None:
        """Queue a sampled exchange."""
        self.sampled += 1
        self._waiting.append(exchange)
        if self.drop_reason:
            self.drop_waiting(self.drop_reason)

    def count_lost(self, reason: str) -> None:
        """Count an exchange that was sampled but never reached this queue."""
        self.sampled += 1
        self.dropped[reason] += 1

    def next_batch(self, now_ms: int) -> ExchangeBatch | None:
        """Return what to send now: the unfinished batch again, else a new one; None when nothing waits.

        `now_ms` is the wall clock: exchanges older than the launch's max_age_s are dropped as `stale`.
        """
        if self._batch is None and self._waiting:
            exchanges = self._pack_waiting(now_ms - self.state.spec.max_age_s * 1000)
            self._batch = ExchangeBatch(self.seq + 1, exchanges) if exchanges else None
        return self._batch

    def build_admission(self, batch: ExchangeBatch) -> ScriptCall:
        """Return the script call that writes a batch to the launch's stream."""
        names = tuple(name(self.name, self.shard) for name in (keys.captures, keys.ledger, keys.admitted))
        args: list[Argument] = [self.state.spec.max_entries, self._producer, batch.first_seq]
        for exchange in batch.exchanges:
            args += (exchange.meta, exchange.request, exchange.response)
        return ScriptCall("admit", names, tuple(args))

    def record_admitted(self, count: int) -> None:
        """Finish the batch: its first `count` exchanges are on the stream, the rest was shed."""
        shed = self._end_batch() - count
        self.seq += count
        if shed:
            self.dropped["shed"] += shed

    def record_refused(self, reason: str) -> None:
        """Drop the batch, which was not written. One that may have been written by an earlier try stays."""
        if self._batch is not None and not self._maybe_written:
            self.dropped[reason] += self._end_batch()

    def record_no_reply(self) -> None:
        """Keep the batch, to be sent again as it is: nobody knows whether it was written."""
        self._maybe_written = True

    def drop_waiting(self, reason: str) -> None:
        """Drop everything but a batch that may have been written."""
        self.record_refused(reason)
        if self._waiting:
            self.dropped[reason] += len(self._waiting)
        while self._waiting:
            self._waiting.popleft().release()

    def close(self) -> None:
        """Drop what waits. A batch that may have been written counts as written: the comparator finds out."""
        self.drop_waiting("shutdown")
        if self._batch is not None:
            self.seq += self._end_batch()

    def build_counters(self, now_ms: int, *, closed: bool = False) -> ProducerCounters:
        """Return the counters as they are now."""
        return ProducerCounters(
            producer=self._producer,
            started_ms=self._started_ms,
            at_ms=now_ms,
            seq=self.seq,
            sampled=self.sampled,
            dropped=dict(self.dropped),
            skipped=dict(self.skipped),
            closed=closed,
        )

    def has_unreported_counts(self) -> bool:
        """True if the counters differ from those last written to Redis."""
        return self._reported_totals != self._read_totals()

    def mark_reported(self) -> None:
        """Note that the counters were written to Redis."""
        self._reported_totals = self._read_totals()

    def _pack_waiting(self, oldest_ms: float) -> tuple[PackedExchange, ...]:
        """Move waiting exchanges into the batch: up to its bounds, without those that are stale or cannot be sent."""
        packed_exchanges: list[PackedExchange] = []
        size, seal = 0, self.state.spec.seal
        while self._waiting and len(packed_exchanges) < BATCH_ENTRIES:
            exchange, seq = self._waiting[0], self.seq + 1 + len(packed_exchanges)
            packed, drop_reason = _NOTHING, ""
            if exchange.captured_at_ms < oldest_ms:
                drop_reason = "stale"
            else:
                try:
                    packed = exchange.pack(self.name, f"{self._producer}:{seq}", seal=seal)
                except Exception:
                    drop_reason = "bad_input"
            if len(packed.meta) > META_CAP_BYTES:  # workers would not read it
                packed, drop_reason = _NOTHING, "too_large"
            size += len(packed.meta) + len(packed.request) + len(packed.response)
            if packed_exchanges and size > BATCH_BYTES:
                break
            self._waiting.popleft()
            if drop_reason:
                self.dropped[drop_reason] += 1
                exchange.release()
            else:
                packed_exchanges.append(packed)
                self._batch_sources.append(exchange)
        return tuple(packed_exchanges)

    def _end_batch(self) -> int:
        """Release the batch and return how many exchanges it had."""
        count = len(self._batch_sources)
        for exchange in self._batch_sources:
            exchange.release()
        self._batch_sources.clear()
        self._batch = None
        self._maybe_written = False
        return count

    def _read_totals(self) -> tuple[int, int, int, int]:
        return self.seq, self.sampled, self.dropped.total(), self.skipped.total()


_NOTHING: Final = PackedExchange(b"", b"", b"")

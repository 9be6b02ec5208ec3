"""One launch's way out of the process: what waits, what is under way, and the numbers. No I/O.

A number is given to an exchange only when its batch is tried. A batch that Redis definitely refused gives its numbers
back: the next batch has them. A batch whose fate is unknown keeps them and is tried again until the answer is definite;
admission recognises what it has. So at every moment

    sampled = seq + dropped + waiting + under way

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
    """What waits in a lane: an exchange that several launches may share."""

    @property
    def captured_at_ms(self) -> int:
        """When it was captured, in milliseconds since the epoch."""
        ...

    def parcel(self, launch: str, identity: str, *, seal: bool) -> PackedExchange:
        """Pack it for one launch under an id. Raises an Exception when it holds what cannot travel."""
        ...

    def settle(self) -> None:
        """Note that one launch is done with it."""


@dataclass(frozen=True, slots=True)
class ExchangeBatch:
    """Exchanges tried together; `first` is the number of the first of them."""

    first: int
    parcels: tuple[PackedExchange, ...]


class LaunchQueue:
    """The exchanges of one launch in one process.

    `state` is the launch as last seen; `stopped` is the reason to drop exchanges for while it may not mirror, else "".
    The shard is chosen once: within it a producer's numbers have no gaps.
    """

    def __init__(self, state: LaunchState, producer: str, started_ms: int) -> None:
        self.name, self.state, self.stopped = state.name, state, ""
        self.shard = keys.shard_of(producer, max(1, state.spec.shards))
        self.backoff, self.resume_at_s = Backoff(first_s=1.0), 0.0
        self.sampled = self.seq = 0
        self.dropped: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self._producer, self._started_ms = producer, started_ms
        self._waiting: deque[QueuedExchange] = deque()
        self._under_way: list[QueuedExchange] = []
        self._batch: ExchangeBatch | None = None
        self._in_doubt = False
        self._reported: object = (0, 0, 0, 0)

    @property
    def waiting(self) -> int:
        """How many exchanges wait or are under way."""
        return len(self._waiting) + len(self._under_way)

    def obey(self, state: LaunchState | None, unknown: str = "paused") -> None:
        """Take the launch's present state; None is counted as `unknown`. What waits for a stopped launch is dropped."""
        self.state = state or self.state
        if state is None:
            self.stopped = unknown
        elif state.hold or state.status is LaunchStatus.ROLLED_BACK:
            self.stopped = "superseded_by_rollback"
        else:
            self.stopped = "" if state.status is LaunchStatus.ACTIVE else "paused"
        if self.stopped:
            self.drop_waiting(self.stopped)

    def offer(self, sample: QueuedExchange) -> None:
        """Take a sampled exchange in."""
        self.sampled += 1
        self._waiting.append(sample)
        if self.stopped:
            self.drop_waiting(self.stopped)

    def lose(self, reason: str) -> None:
        """Count an exchange that was sampled and cannot go on."""
        self.sampled += 1
        self.dropped[reason] += 1

    def next_batch(self, now_ms: int) -> ExchangeBatch | None:
        """Give what to try now: what is under way again, else as many of the waiting as one batch may hold.

        `now_ms` is the wall clock: exchanges older than the launch's max_age_s are dropped as `stale`.
        """
        if self._batch is None and self._waiting:
            parcels = self._pack(now_ms - self.state.spec.max_age_s * 1000)
            self._batch = ExchangeBatch(self.seq + 1, parcels) if parcels else None
        return self._batch

    def admission(self, batch: ExchangeBatch) -> ScriptCall:
        """Give the call that puts a batch on the stream."""
        names = tuple(name(self.name, self.shard) for name in (keys.captures, keys.ledger, keys.admitted))
        args: list[Argument] = [self.state.spec.max_entries, self._producer, batch.first]
        for parcel in batch.parcels:
            args += (parcel.meta, parcel.request, parcel.response)
        return ScriptCall("admit", names, tuple(args))

    def admitted(self, taken: int) -> None:
        """Settle the batch: the first `taken` exchanges are on the stream, the rest was shed."""
        shed = self._end_batch() - taken
        self.seq += taken
        if shed:
            self.dropped["shed"] += shed

    def refused(self, reason: str) -> None:
        """Settle the batch: nothing of it was written. One in doubt stays: its first try may have been."""
        if self._batch is not None and not self._in_doubt:
            self.dropped[reason] += self._end_batch()

    def unanswered(self) -> None:
        """Keep the batch, to be tried again as it is: nobody knows whether it was written."""
        self._in_doubt = True

    def drop_waiting(self, reason: str) -> None:
        """Drop what was not tried. A batch in doubt stays."""
        self.refused(reason)
        if self._waiting:
            self.dropped[reason] += len(self._waiting)
        while self._waiting:
            self._waiting.popleft().settle()

    def close(self) -> None:
        """End: a batch in doubt counts as written, for the gap detector to decide; the rest is dropped."""
        self.drop_waiting("shutdown")
        if self._batch is not None:
            self.seq += self._end_batch()

    def counters(self, now_ms: int, *, closed: bool = False) -> ProducerCounters:
        """Give the counters as they stand."""
        dropped, skipped = dict(self.dropped), dict(self.skipped)
        return ProducerCounters(
            self._producer, self._started_ms, now_ms, self.seq, self.sampled, dropped, skipped, closed
        )

    def changed(self) -> bool:
        """Tell whether the counters differ from those last reported."""
        return self._reported != self._standing()

    def reported(self) -> None:
        """Note that the counters were written."""
        self._reported = self._standing()

    def _pack(self, oldest_ms: float) -> tuple[PackedExchange, ...]:
        parcels: list[PackedExchange] = []
        size, seal = 0, self.state.spec.seal
        while self._waiting and len(parcels) < BATCH_ENTRIES:
            sample, seq = self._waiting[0], self.seq + 1 + len(parcels)
            reason = "stale" if sample.captured_at_ms < oldest_ms else ""
            try:
                parcel = _NOTHING if reason else sample.parcel(self.name, f"{self._producer}:{seq}", seal=seal)
            except Exception:
                parcel, reason = _NOTHING, "bad_input"
            if len(parcel.meta) > META_CAP_BYTES:  # workers do not read it
                parcel, reason = _NOTHING, "too_large"
            size += len(parcel.meta) + len(parcel.request) + len(parcel.response)
            if parcels and size > BATCH_BYTES:
                break
            self._waiting.popleft()
            if reason:
                self.dropped[reason] += 1
                sample.settle()
            else:
                parcels.append(parcel)
                self._under_way.append(sample)
        return tuple(parcels)

    def _end_batch(self) -> int:
        count = len(self._under_way)
        for sample in self._under_way:
            sample.settle()
        self._under_way.clear()
        self._batch, self._in_doubt = None, False
        return count

    def _standing(self) -> object:
        return self.seq, self.sampled, self.dropped.total(), self.skipped.total()


_NOTHING: Final = PackedExchange(b"", b"", b"")

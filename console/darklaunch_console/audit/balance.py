"""The arithmetic of an audit: does every sampled exchange have an outcome, or is it still in progress? Pure.

Three snapshots are taken in this order: the record in Postgres, Redis (each shard at one instant), the record again.
Exchanges move on between them, so that a difference alone proves nothing. What is certain:

- A producer numbers its exchanges 1 … seq, and all of them were written to Redis; `seq` is the highest number that
  Redis or the first snapshot of the record knows.
- A number without a row in the last snapshot was, when Redis was read, either on a stream or lost. So *numbers without
  a row, minus entries on the streams* is never more than what is lost: a positive figure is certainly a loss, under any
  load, and without traffic it is exact.
- The same is true of each producer, where its entries were counted one by one, upstream first: an entry that moves on
  meanwhile may be counted twice but is never missed. This figure is sharper: entries that no producer here has written
  cannot hide a loss.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from darklaunch_shared.keys import shard_of

from .stream_entries import StreamEntries, sum_entries

Dropped = Mapping[str, int]
"""Dropped exchanges by reason."""


@dataclass(frozen=True, slots=True)
class ProducerFigures:
    """A producer's counters, from Redis or as copied into the record, and how many of its numbers have a row."""

    producer: str
    seq: int = 0
    sampled: int = 0
    dropped: Dropped = field(default_factory=dict[str, int])
    recorded: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True)
class ShardSnapshot:
    """One shard at one instant: highest number per producer, counters, length of the two streams.

    `entries` are the entries and dead letters by producer, counted right after it; None where that would take too long.
    """

    admitted: Mapping[str, int]
    producers: Sequence[ProducerFigures]
    captures: int
    replays: int
    entries: Mapping[str, StreamEntries] | None = None


@dataclass(frozen=True, slots=True)
class RecordSnapshot:
    """Postgres at one instant: the producers, and the number of rows by (outcome, reason)."""

    producers: Sequence[ProducerFigures]
    tally: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class ProducerAccount:
    """One producer's account: sampled = recorded + dropped + unwritten + missing (numbers without a row).

    `enqueued` numbers were written to Redis, of which Redis itself remembers the first `admitted`. `reasons` are the
    dropped by reason, the `shed` among them. `entries` is what the streams contain of it, `gap` how many numbers have
    neither row nor entry; both are None where the streams were not counted.
    """

    producer: str
    sampled: int
    enqueued: int
    admitted: int
    shed: int
    recorded: int
    dropped: int
    unwritten: int
    missing: int
    alive: bool
    reasons: Dropped
    entries: StreamEntries | None = None

    @property
    def gap(self) -> int | None:
        """How many numbers have neither row nor entry. Under traffic the true figure is at least this."""
        return None if self.entries is None else max(0, self.missing - self.entries.unread - self.entries.pending)

    @property
    def finished(self) -> bool:
        """True if its process has ended and every number has a row."""
        return not self.alive and self.missing == 0


@dataclass(frozen=True, slots=True)
class LaunchAccount:
    """A launch's account, in numbers of exchanges.

    outcomes         the rows by outcome, without the dropped
    dropped          all that was dropped, by reason, before the stream or after it
    buffered         in the memory of hooks that are alive
    killed           in the memory of processes that ended without writing it
    lost             neither on a stream nor recorded
    disagreement     rows by outcome less rows by producer: 0 unless the record is damaged
    foreign_entries  what the streams contain that none of the producers wrote; None where it was not counted
    """

    sampled: int
    outcomes: Mapping[str, int]
    dropped: Mapping[str, int]
    buffered: int
    captures: int
    replays: int
    killed: int
    lost: int
    disagreement: int
    producers: Sequence[ProducerAccount]
    foreign_entries: StreamEntries | None

    @property
    def entries(self) -> StreamEntries | None:
        """All that the streams contain; None where it was not counted."""
        own = [producer.entries for producer in self.producers if producer.entries]
        return None if self.foreign_entries is None else sum_entries([*own, self.foreign_entries])

    @property
    def finished(self) -> int:
        """Exchanges with an outcome, those dropped before the stream included."""
        return self.sampled - self.on_its_way - self.lost - self.killed

    @property
    def on_its_way(self) -> int:
        """Exchanges in progress, somewhere between the hook and the record."""
        return self.buffered + sum(producer.missing for producer in self.producers) - self.lost

    @property
    def balanced(self) -> bool:
        """True if nothing is lost and the record agrees with itself."""
        return self.lost == 0 and self.disagreement == 0


def compute_account(
    before: RecordSnapshot, shards: Sequence[ShardSnapshot], after: RecordSnapshot, alive: frozenset[str]
) -> LaunchAccount:
    """Return the account that follows from the three snapshots; `alive` are the producers whose process runs."""
    recorded = {figures.producer: figures.recorded for figures in after.producers}
    producers: list[ProducerAccount] = []
    dropped: Counter[str] = Counter()
    foreign: list[StreamEntries] = []
    lost = 0
    for number, shard in enumerate(shards):
        accounts: list[ProducerAccount] = []
        for producer, snapshots in _group_by_producer(before, shards, number, recorded).items():
            account = _compute_producer_account(
                producer,
                snapshots,
                admitted=shard.admitted.get(producer, 0),
                recorded=recorded.get(producer, 0),
                alive=producer in alive,
                entries=None if shard.entries is None else shard.entries.get(producer, StreamEntries()),
            )
            accounts.append(account)
            dropped.update(account.reasons)
        missing = sum(account.missing for account in accounts)
        lost += max(missing - shard.captures - shard.replays, sum(account.gap or 0 for account in accounts))
        known = {account.producer for account in accounts}
        foreign += [entries for name, entries in (shard.entries or {}).items() if name not in known]
        producers += accounts
    outcomes: Counter[str] = Counter()
    for (outcome, reason), rows in after.tally.items():
        if outcome == "dropped":
            dropped[reason] += rows
        else:
            outcomes[outcome] += rows
    return LaunchAccount(
        sampled=sum(account.sampled for account in producers),
        outcomes=dict(outcomes),
        dropped={reason: count for reason, count in sorted(dropped.items()) if count},
        buffered=sum(account.unwritten for account in producers if account.alive),
        captures=sum(shard.captures for shard in shards),
        replays=sum(shard.replays for shard in shards),
        killed=sum(account.unwritten for account in producers if not account.alive),
        lost=lost,
        disagreement=sum(after.tally.values()) - sum(figures.recorded for figures in after.producers),
        producers=producers,
        foreign_entries=None if any(shard.entries is None for shard in shards) else sum_entries(foreign),
    )


def _group_by_producer(
    before: RecordSnapshot, shards: Sequence[ShardSnapshot], number: int, recorded: Mapping[str, int]
) -> dict[str, list[ProducerFigures]]:
    """Return the figures of each producer of one shard, from Redis and from the record.

    A producer that Redis has forgotten belongs to the shard that its name is hashed to.
    """
    shard = shards[number]
    on_redis = {
        name for other in shards for name in (*other.admitted, *(figures.producer for figures in other.producers))
    }
    names = {*shard.admitted, *(figures.producer for figures in shard.producers)}
    forgotten = ({figures.producer for figures in before.producers} | recorded.keys()) - on_redis
    names |= {producer for producer in forgotten if shard_of(producer, len(shards)) == number}
    grouped: dict[str, list[ProducerFigures]] = {producer: [] for producer in sorted(names)}
    for figures in (*shard.producers, *before.producers):
        if figures.producer in grouped:
            grouped[figures.producer].append(figures)
    return grouped


def _compute_producer_account(
    producer: str,
    snapshots: Sequence[ProducerFigures],
    *,
    admitted: int,
    recorded: int,
    alive: bool,
    entries: StreamEntries | None,
) -> ProducerAccount:
    seq = max([admitted, recorded, *(figures.seq for figures in snapshots)])
    reasons = _merge_dropped(snapshots)
    dropped = sum(reasons.values())
    unwritten = max([0, *(figures.sampled - seq - dropped for figures in snapshots)])
    if any(figures.closed for figures in snapshots):  # it wrote everything before it ended
        unwritten = 0
    return ProducerAccount(
        producer,
        sampled=seq + dropped + unwritten,
        enqueued=seq,
        admitted=admitted,
        shed=reasons.get("shed", 0),
        recorded=recorded,
        dropped=dropped,
        unwritten=unwritten,
        missing=seq - recorded,
        alive=alive,
        reasons={reason: count for reason, count in sorted(reasons.items()) if count},
        entries=entries,
    )


def _merge_dropped(snapshots: Sequence[ProducerFigures]) -> dict[str, int]:
    """Return the highest count of each reason: the counters only grow."""
    reasons = {reason for figures in snapshots for reason in figures.dropped}
    return {reason: max(figures.dropped.get(reason, 0) for figures in snapshots) for reason in reasons}

"""The arithmetic of an audit: does every sampled exchange have an outcome, or is it on its way? Pure.

Three looks are taken in this order: the record, Redis (each shard at one instant), the record again. Between them
exchanges move on, so that a difference proves nothing by itself. What it takes to be sure:

- A producer's numbers 1 … seq were all written to Redis; `seq` is what Redis, or the record before it, knew.
- Whatever of them is not in the record at the last look was, at the instant Redis was looked at, either on a stream or
  lost. So *numbers without a row, minus entries on the streams* is never more than what is lost: a positive figure is
  a loss for certain, at any load, and without traffic it is the exact figure.
- The same holds of each producer by itself, where its entries were counted one by one, downstream: what moves on
  meanwhile may be counted twice, never not at all. That is the sharper figure, for what strangers wrote hides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from darklaunch_shared.keys import shard_of

from .stream_entries import StreamEntries, add_up

Dropped = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ProducerBook:
    """A producer's counters, from Redis or as copied into the record; `recorded` of its numbers have a row."""

    producer: str
    seq: int = 0
    sampled: int = 0
    dropped: Dropped = field(default_factory=dict[str, int])
    recorded: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True)
class ShardBook:
    """One shard at one instant: highest number on the stream per producer, counters, entries on the two streams.

    `held` are these and the dead letters by producer, counted right after it; None where that would take too long.
    """

    admitted: Mapping[str, int]
    producers: Sequence[ProducerBook]
    captures: int
    replays: int
    held: Mapping[str, StreamEntries] | None = None


@dataclass(frozen=True, slots=True)
class RecordedBook:
    """Postgres at one instant: the producers, and the rows by (outcome, reason)."""

    producers: Sequence[ProducerBook]
    tally: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class ProducerAccount:
    """One producer's account: sampled = recorded + dropped + unwritten + missing (numbers without a row).

    `enqueued` numbers were written to Redis, of which Redis itself remembers the first `admitted`; `shed` are part of
    `dropped`, which `reasons` tells apart. `held` is what the streams hold of it, `gap` how many numbers have neither
    row nor entry; both None where the streams were not counted.
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
    held: StreamEntries | None = None

    @property
    def gap(self) -> int | None:
        """Numbers that are nowhere. Under traffic the true figure is at least this."""
        return None if self.held is None else max(0, self.missing - self.held.unread - self.held.pending)

    @property
    def finished(self) -> bool:
        """Whether its process has ended and every number has a row."""
        return not self.alive and self.missing == 0


@dataclass(frozen=True, slots=True)
class LaunchAccount:
    """A launch's account.

    `outcomes` are the rows by outcome, `dropped` all losses by reason, those before the stream included. `killed` were
    in the memory of processes that ended without a word. `disagreement` is by how much the rows by outcome differ from
    the rows by producer: 0 unless the record is damaged. `strangers` is what the streams hold of no producer here,
    None where they were not counted.
    """

    sampled: int
    outcomes: Mapping[str, int]
    dropped: Mapping[str, int]
    outboxes: int
    captures: int
    replays: int
    killed: int
    lost: int
    disagreement: int
    lines: Sequence[ProducerAccount]
    strangers: StreamEntries | None

    @property
    def held(self) -> StreamEntries | None:
        """All that the streams hold; None where they were not counted."""
        own = [line.held for line in self.lines if line.held]
        return None if self.strangers is None else add_up([*own, self.strangers])

    @property
    def settled(self) -> int:
        """Exchanges with an outcome, drops before the stream included."""
        return self.sampled - self.on_its_way - self.lost - self.killed

    @property
    def on_its_way(self) -> int:
        """Exchanges that are somewhere between the hook and the record."""
        return self.outboxes + sum(line.missing for line in self.lines) - self.lost

    @property
    def balanced(self) -> bool:
        """Whether nothing is lost and the record agrees with itself."""
        return self.lost == 0 and self.disagreement == 0


def balance_books(
    before: RecordedBook, shards: Sequence[ShardBook], after: RecordedBook, alive: frozenset[str]
) -> LaunchAccount:
    """Make the account of the three looks; `alive` are the producers whose process is."""
    recorded = {said.producer: said.recorded for said in after.producers}
    lines: list[ProducerAccount] = []
    dropped: dict[str, int] = {}
    strangers: list[StreamEntries] = []
    lost = 0
    for number, book in enumerate(shards):
        own: list[ProducerAccount] = []
        for producer, said in _by_producer(before, shards, number, recorded).items():
            admitted, rows = book.admitted.get(producer, 0), recorded.get(producer, 0)
            held = None if book.held is None else book.held.get(producer, StreamEntries())
            own.append(_line(producer, said, admitted, rows, producer in alive, held))
            for reason, count in _highest(said).items():
                dropped[reason] = dropped.get(reason, 0) + count
        lost += max(
            sum(line.missing for line in own) - book.captures - book.replays, sum(line.gap or 0 for line in own)
        )
        known = {line.producer for line in own}
        strangers += [held for name, held in (book.held or {}).items() if name not in known]
        lines += own
    outcomes: dict[str, int] = {}
    for (outcome, reason), number in after.tally.items():
        if outcome == "dropped":
            dropped[reason] = dropped.get(reason, 0) + number
        else:
            outcomes[outcome] = outcomes.get(outcome, 0) + number
    return LaunchAccount(
        sampled=sum(line.sampled for line in lines),
        outcomes=outcomes,
        dropped={reason: number for reason, number in sorted(dropped.items()) if number},
        outboxes=sum(line.unwritten for line in lines if line.alive),
        captures=sum(book.captures for book in shards),
        replays=sum(book.replays for book in shards),
        killed=sum(line.unwritten for line in lines if not line.alive),
        lost=lost,
        disagreement=sum(after.tally.values()) - sum(said.recorded for said in after.producers),
        lines=lines,
        strangers=None if any(book.held is None for book in shards) else add_up(strangers),
    )


def _by_producer(
    before: RecordedBook, shards: Sequence[ShardBook], number: int, recorded: Mapping[str, int]
) -> dict[str, list[ProducerBook]]:
    """Give one shard's producers with what is said of each, by Redis and by the record.

    A producer that Redis has forgotten belongs to the shard its name leads to, as it always has.
    """
    book = shards[number]
    seen = {name for other in shards for name in (*other.admitted, *(said.producer for said in other.producers))}
    own = {*book.admitted, *(said.producer for said in book.producers)}
    forgotten = ({said.producer for said in before.producers} | recorded.keys()) - seen
    own |= {producer for producer in forgotten if shard_of(producer, len(shards)) == number}
    found: dict[str, list[ProducerBook]] = {producer: [] for producer in sorted(own)}
    for said in (*book.producers, *before.producers):
        if said.producer in found:
            found[said.producer].append(said)
    return found


def _line(
    producer: str, said: Sequence[ProducerBook], admitted: int, recorded: int, alive: bool, held: StreamEntries | None
) -> ProducerAccount:
    seq = max([admitted, recorded, *(one.seq for one in said)])
    reasons = _highest(said)
    dropped = sum(reasons.values())
    unwritten = 0 if any(one.closed for one in said) else max([0, *(one.sampled - seq - dropped for one in said)])
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
        reasons={reason: number for reason, number in sorted(reasons.items()) if number},
        held=held,
    )


def _highest(said: Sequence[ProducerBook]) -> dict[str, int]:
    """Merge counters that only ever grow."""
    reasons = {reason for one in said for reason in one.dropped}
    return {reason: max(one.dropped.get(reason, 0) for one in said) for reason in reasons}

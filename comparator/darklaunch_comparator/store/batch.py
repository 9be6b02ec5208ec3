"""The one transaction that makes a result count exactly once.

Copy the findings into a temporary table, insert the rows that are new, fold only those into the rolling statistics,
commit. A batch that comes again, because an acknowledgement or a COMMIT reply was lost or another comparator took the
entries over, inserts nothing and so adds nothing.

Rows differ in how final they are: `lost_in_redis` is a guess (rank 0), `dead` can be requeued (rank 1), anything else
is final (rank 2). A finding of a higher rank replaces the row and takes what it had added back out; one of the same or
a lower rank is a duplicate.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from darklaunch_shared.crashes import reached
from psycopg import Connection, Cursor

from darklaunch_comparator.finding import Finding
from darklaunch_comparator.fold import Block, Gains, Retraction, fold

from .blame import OutrankedMeanwhile
from .groups import add_groups
from .memory import Memory
from .noise import add_noise
from .sql import load

_SQL = load("record")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES: Final = (
    "date", "text", "timestamptz", "text", "text", "text", "text", "text", "int2", "int2", "float8", "float8", "text",
    "bool", "text", "int2",
)  # fmt: skip
_OUTCOMES: Final = ("matched", "mismatched", "ignored", "unverified", "shadow_error", "dropped", "dead")


@dataclass(frozen=True, slots=True)
class Written:
    """What a batch came to: exchanges that are new, that had a row, and rows that gave way to more final ones."""

    inserted: int
    duplicates: int
    replaced: int


def prepare(connection: Connection[Any]) -> None:
    """Make the connection ready to write batches."""
    connection.execute(_SQL["prepare"])


def write(
    connection: Connection[Any], launch: str, findings: Sequence[Finding], memory: Memory, *, alone: bool = False
) -> Written:
    """Record findings of one launch in one transaction, each exactly once. `connection` was given to `prepare`.

    `alone` is for the gap detector, which holds the launch's lock by itself. Raises psycopg.Error and
    OutrankedMeanwhile; nothing is recorded then, except when a connection broke at COMMIT: then all or nothing is.
    """
    rows = memory.bound(connection, launch, _most_final(findings))
    sampled: list[tuple[str, str]] = []
    with connection.transaction(), connection.cursor() as cursor:
        if not alone:
            cursor.execute(_SQL["lock"], {"launch": launch})
        _copy(cursor, rows)
        reached("comparator.2")
        retracted = _retract(cursor, launch)
        cursor.execute(_SQL["insert"], {"launch": launch})
        new = {identity for (identity,) in cursor.fetchall()}
        if len(new) < len(rows):
            _check_order(cursor, launch)
        inserted = [finding for finding in rows if finding.exchange_id in new]
        reached("comparator.3")
        gains = fold(inserted, retracted)
        with connection.pipeline():
            _add_provisional(cursor, launch, inserted)
            _add_gains(cursor, launch, gains)
            sampled = add_groups(cursor, launch, gains.groups, memory)
        reached("comparator.4")
    memory.learn(launch, gains, sampled)
    return Written(len(inserted), len(findings) - len(inserted), len(retracted))


def lock_alone(connection: Connection[Any], launch: str) -> None:
    """Keep every other writer of a launch waiting until the transaction ends."""
    connection.execute(_SQL["lock_alone"], {"launch": launch})


def _most_final(findings: Iterable[Finding]) -> list[Finding]:
    chosen: dict[str, Finding] = {}
    for finding in findings:
        other = chosen.get(finding.exchange_id)
        if other is None or finding.rank > other.rank:
            chosen[finding.exchange_id] = finding
    return sorted(chosen.values(), key=lambda finding: finding.exchange_id)


def _copy(cursor: Cursor[Any], rows: list[Finding]) -> None:
    with cursor.copy(_SQL["copy"]) as copy:
        copy.set_types(_TYPES)
        for row in rows:
            at = row.captured_at
            copy.write_row((
                at.date(), row.exchange_id, at, row.endpoint, row.method, row.outcome, row.reason,
                row.evidence[0].fingerprint if row.evidence else None, row.primary_status, row.shadow_status,
                row.primary_ms, row.shadow_ms, row.latency_source, row.slow, row.build, row.rank,
            ))  # fmt: skip


def _retract(cursor: Cursor[Any], launch: str) -> list[Retraction]:
    cursor.execute(_SQL["outranked"], {"launch": launch})
    retracted: list[Retraction] = []
    for day, identity in sorted(cursor.fetchall()):
        cursor.execute(_SQL["retract"], {"launch": launch, "day": day, "exchange_id": identity})
        retracted += [Retraction(*row) for row in cursor.fetchall()]
    return retracted


def _check_order(cursor: Cursor[Any], launch: str) -> None:
    """See that no provisional row of lower rank, committed since it was looked for, kept a row out."""
    cursor.execute(_SQL["outranked_meanwhile"], {"launch": launch})
    if cursor.fetchone() == (True,):
        raise OutrankedMeanwhile


def _add_provisional(cursor: Cursor[Any], launch: str, inserted: list[Finding]) -> None:
    values = [
        {"launch": launch, "exchange_id": row.exchange_id, "day": row.captured_at.date(), "rank": row.rank}
        for row in inserted
        if row.rank < 2
    ]
    _many(cursor, "add_provisional", values)


def _add_gains(cursor: Cursor[Any], launch: str, gains: Gains) -> None:
    """Add to the statistics, always in the same order of tables and keys, so that writers never wait in a circle."""
    _many(cursor, "add_block", [_block(launch, *key, gains.blocks[key]) for key in sorted(gains.blocks)])
    _many(
        cursor,
        "add_tally",
        [
            {"launch": launch, "outcome": outcome, "reason": reason, "count": count}
            for (outcome, reason), count in sorted(gains.tally.items())
            if count
        ],
    )
    _many(
        cursor,
        "add_producer",
        [
            {"launch": launch, "producer": producer, "recorded": count}
            for producer, count in sorted(gains.producers.items())
            if count
        ],
    )
    _many(
        cursor,
        "add_excuse",
        [
            {"launch": launch, "endpoint": endpoint, "path": path, "reason": reason, "count": count}
            for (endpoint, path, reason), count in sorted(gains.excuses.items())
        ],
    )
    add_noise(cursor, launch, gains)


def _many(cursor: Cursor[Any], query: str, values: list[dict[str, Any]]) -> None:
    if values:
        cursor.executemany(_SQL[query], values)


def _block(launch: str, endpoint: str, start_ms: int, block: Block) -> dict[str, Any]:
    values: dict[str, Any] = {outcome: block.outcomes.get(outcome, 0) for outcome in _OUTCOMES}
    for side, histogram in (("primary", block.primary), ("shadow", block.shadow), ("difference", block.difference)):
        values[f"{side}_keys"] = _array(histogram.keys())
        values[f"{side}_counts"] = _array(histogram.values())
    started_at = _EPOCH + timedelta(milliseconds=start_ms)
    return {"launch": launch, "endpoint": endpoint, "started_at": started_at, "slow": block.slow, **values}


def _array(numbers: Iterable[int]) -> str:
    """Write an array literal; psycopg's general way takes four times as long."""
    return f"{{{','.join(map(str, numbers))}}}"

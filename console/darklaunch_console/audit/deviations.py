"""Compare the recorded rows with every sum that is kept of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from darklaunch_comparator.results.result import OUTCOMES
from darklaunch_comparator.store.audit_rows import AuditRows

from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.text import format_plural


@dataclass(frozen=True, slots=True)
class Deviation:
    """Two figures that must be equal and are not.

    `what` is counted, `between` gives both figures, `by` is the first less the second, `look` the command that shows
    more.
    """

    what: str
    between: str
    by: int
    look: str


def find_deviations(launch: str, rows: AuditRows) -> list[Deviation]:
    """Return every difference between the rows and a sum of them.

    Where the oldest rows are past retention and deleted, only a surplus of rows is a deviation, and the rolling
    statistics, which are deleted a little later, are not compared.
    """
    deviations = [*_find_duplicates(rows), *_compare_producers(rows), *_compare_outcomes(launch, rows)]
    if rows.forgotten_before is None:
        deviations += _compare_buckets(launch, rows)
    return deviations


def _find_duplicates(rows: AuditRows) -> Iterator[Deviation]:
    if rows.twice:
        first, exchanges = rows.twice
        between = (
            f"{format_plural(exchanges, 'exchange has', 'exchanges have')} more than one row, the first is {first}"
        )
        yield Deviation("recorded twice", between, exchanges, f"darklaunch inspect {first}")


def _compare_producers(rows: AuditRows) -> Iterator[Deviation]:
    counted = _sum_by(rows.counts, position=0)
    for producer in sorted(counted.keys() | rows.recorded.keys()):
        count, recorded = counted.get(producer, 0), rows.recorded.get(producer, 0)
        if _deviates(rows, count, recorded):
            first = (rows.first_missing or {}).get(producer)
            gap = f"; the first number without a row is {first}" if first else ""
            between = f"{format_plural(count, 'row')}, {format_count(recorded)} recorded{gap}"
            look = f"darklaunch inspect {producer}:{first or 1}"
            yield Deviation(f"producer {producer}", between, count - recorded, look)


def _compare_outcomes(launch: str, rows: AuditRows) -> Iterator[Deviation]:
    counted: dict[tuple[str, str], int] = {}
    for (_, outcome, reason), number in rows.counts.items():
        counted[outcome, reason] = counted.get((outcome, reason), 0) + number
    for outcome, reason in sorted(counted.keys() | rows.tally.keys()):
        count, tally = counted.get((outcome, reason), 0), rows.tally.get((outcome, reason), 0)
        if _deviates(rows, count, tally):
            what = f"{outcome} ({reason})" if reason else outcome
            between = f"{format_plural(count, 'row')}, {format_count(tally)} in the tally"
            yield Deviation(what, between, count - tally, f"darklaunch show {launch}")


def _compare_buckets(launch: str, rows: AuditRows) -> Iterator[Deviation]:
    counted = _sum_by(rows.counts, position=1)
    for outcome in OUTCOMES:
        count, in_buckets = counted.get(outcome, 0), rows.buckets.get(outcome, 0)
        if count != in_buckets:
            between = f"{format_plural(count, 'row')}, {format_count(in_buckets)} in the rolling statistics"
            yield Deviation(outcome, between, count - in_buckets, f"darklaunch report {launch}")


def _deviates(rows: AuditRows, count: int, kept_sum: int) -> bool:
    return count > kept_sum if rows.forgotten_before else count != kept_sum


def _sum_by(counts: Mapping[tuple[str, str, str], int], *, position: int) -> dict[str, int]:
    sums: dict[str, int] = {}
    for key, number in counts.items():
        sums[key[position]] = sums.get(key[position], 0) + number
    return sums

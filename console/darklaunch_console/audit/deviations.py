"""What an audit finds when it reads the rows themselves: where they differ from what is summed up of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from darklaunch_comparator.results.result import OUTCOMES
from darklaunch_comparator.store.audit_rows import AuditRows

from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.text import format_plural


@dataclass(frozen=True, slots=True)
class Deviation:
    """Two things that must be equal and are not: `between` names them, `by` is the first less the second."""

    what: str
    between: str
    by: int
    look: str


def find_deviations(launch: str, rows: AuditRows) -> list[Deviation]:
    """Compare rows with each sum of them.

    Where the oldest rows are past retention and gone, only a surplus of rows counts, and the rolling sums, of which the
    same is gone a little later, are not compared.
    """
    found = [*_twice(rows), *_by_producer(rows), *_by_outcome(launch, rows)]
    if rows.forgotten_before is None:
        found += _by_bucket(launch, rows)
    return found


def _twice(rows: AuditRows) -> Iterator[Deviation]:
    if rows.twice:
        first, exchanges = rows.twice
        between = (
            f"{format_plural(exchanges, 'exchange has', 'exchanges have')} more than one row, the first is {first}"
        )
        yield Deviation("recorded twice", between, exchanges, f"darklaunch inspect {first}")


def _by_producer(rows: AuditRows) -> Iterator[Deviation]:
    there = _sums(rows.counts, at=0)
    for producer in sorted(there.keys() | rows.recorded.keys()):
        held, told = there.get(producer, 0), rows.recorded.get(producer, 0)
        if _deviates(rows, held, told):
            first = (rows.first_missing or {}).get(producer)
            gap = f"; the first number without a row is {first}" if first else ""
            between = f"{format_count(held)} rows, {format_count(told)} recorded{gap}"
            look = f"darklaunch inspect {producer}:{first or 1}"
            yield Deviation(f"producer {producer}", between, held - told, look)


def _by_outcome(launch: str, rows: AuditRows) -> Iterator[Deviation]:
    there: dict[tuple[str, str], int] = {}
    for (_, outcome, reason), number in rows.counts.items():
        there[outcome, reason] = there.get((outcome, reason), 0) + number
    for outcome, reason in sorted(there.keys() | rows.tally.keys()):
        held, told = there.get((outcome, reason), 0), rows.tally.get((outcome, reason), 0)
        if _deviates(rows, held, told):
            kind = f"{outcome} ({reason})" if reason else outcome
            between = f"{format_count(held)} rows, {format_count(told)} in the tally"
            yield Deviation(kind, between, held - told, f"darklaunch show {launch}")


def _by_bucket(launch: str, rows: AuditRows) -> Iterator[Deviation]:
    there = _sums(rows.counts, at=1)
    for outcome in OUTCOMES:
        held, told = there.get(outcome, 0), rows.buckets.get(outcome, 0)
        if held != told:
            between = f"{format_count(held)} rows, {format_count(told)} in the rolling sums"
            yield Deviation(outcome, between, held - told, f"darklaunch report {launch}")


def _deviates(rows: AuditRows, held: int, told: int) -> bool:
    return held > told if rows.forgotten_before else held != told


def _sums(counts: Mapping[tuple[str, str, str], int], *, at: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, number in counts.items():
        found[key[at]] = found.get(key[at], 0) + number
    return found

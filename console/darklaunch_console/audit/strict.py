"""`audit --strict`: the recorded rows themselves, against every sum that is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from textwrap import fill
from typing import Any

import psycopg
from darklaunch_comparator.store.audit_rows import AuditRows, read_audit_rows

from darklaunch_console.output.numbers import format_count, format_seconds
from darklaunch_console.output.screen import BAD, QUIET, print_line, print_lines, terminal_width
from darklaunch_console.stores.postgres import Connection

from .deviations import Deviation, find_deviations


@dataclass(frozen=True, slots=True)
class StrictAudit:
    """What reading the rows found; `rows` is None when that took longer than `within_s`."""

    launch: str
    within_s: float
    rows: AuditRows | None
    found: Sequence[Deviation]

    @property
    def sound(self) -> bool:
        """Whether the rows were read and agree with every sum."""
        return self.rows is not None and not self.found

    def tell(self) -> None:
        """Print how many rows were read, and each deviation."""
        if self.rows is None:
            print_line()
            print_line(f"NOT READ: the rows take longer to count than {format_seconds(self.within_s)}.", style=BAD)
            print_line(f"  Give it more: darklaunch audit {self.launch} --strict --within {self.within_s * 10:g}")
            return
        print_line()
        total = format_count(sum(self.rows.counts.values()))
        if not self.found:
            equal = f"{total} rows read: each once, and they are what tally, rolling sums and producers say."
            print_lines(fill(equal, terminal_width()).splitlines())
        for deviation in self.found:
            print_line(f"NOT EQUAL: {deviation.what}: {deviation.between}", style=BAD)
            print_line(f"  {deviation.by:+,}. Look closer: {deviation.look}")
        if self.rows.forgotten_before:
            print_line(
                f"Rows before {self.rows.forgotten_before} are past retention: only a surplus would show.", style=QUIET
            )

    def as_json(self) -> dict[str, Any]:
        """Give all of it as JSON values."""
        if self.rows is None:
            return {"deviations": None}
        before = self.rows.forgotten_before
        return {
            "rows_forgotten_before": str(before) if before else None,
            "deviations": [asdict(deviation) for deviation in self.found],
        }


def audit_rows(connection: Connection, launch: str, within_s: float) -> StrictAudit:
    """Read the rows of a launch and compare."""
    try:
        rows = read_audit_rows(connection, launch, within_s)
    except psycopg.errors.QueryCanceled:
        connection.rollback()
        return StrictAudit(launch, within_s, None, ())
    return StrictAudit(launch, within_s, rows, find_deviations(launch, rows))

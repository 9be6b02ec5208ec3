"""`audit --strict`: the recorded rows themselves, against every sum that is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from darklaunch_comparator.store.audit_rows import AuditRows, read_audit_rows

from darklaunch_console.stores.postgres import Connection

from .deviations import Deviation, find_deviations


@dataclass(frozen=True, slots=True)
class StrictAudit:
    """What reading the rows showed; `rows` is None when that took longer than `within_s`."""

    launch: str
    within_s: float
    rows: AuditRows | None
    deviations: Sequence[Deviation]

    @property
    def sound(self) -> bool:
        """True if the rows were read and agree with every sum."""
        return self.rows is not None and not self.deviations

    def to_json(self) -> dict[str, Any]:
        """Return the deviations as JSON values; None where the rows could not be read."""
        if self.rows is None:
            return {"deviations": None}
        before = self.rows.forgotten_before
        return {
            "rows_forgotten_before": str(before) if before else None,
            "deviations": [asdict(deviation) for deviation in self.deviations],
        }


def audit_rows(connection: Connection, launch: str, within_s: float) -> StrictAudit:
    """Read the rows of a launch and compare."""
    try:
        rows = read_audit_rows(connection, launch, within_s)
    except psycopg.errors.QueryCanceled:
        connection.rollback()
        return StrictAudit(launch, within_s, None, ())
    return StrictAudit(launch, within_s, rows, find_deviations(launch, rows))

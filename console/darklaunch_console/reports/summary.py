"""What one line about a launch says."""

from __future__ import annotations

from typing import Any

from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchRecord


def summary(record: LaunchRecord) -> dict[str, Any]:
    """Describe a launch for programs."""
    state = record.state
    return {
        "launch": state.name,
        "status": state.status.value,
        "percent": state.percent,
        "hold": state.hold,
        "revision": state.revision,
        "shadow": state.spec.shadow,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


def count_compared(ledger: report_queries.LaunchLedger) -> int:
    """Count what was compared with a result."""
    return ledger.matched + ledger.mismatched + ledger.ignored

"""Whether Redis and Postgres belong together. Pure."""

from __future__ import annotations

from darklaunch_comparator.control.installation import explain_mismatch
from darklaunch_comparator.store.installation import Installation

from .check_result import CheckResult, fail, ok


def check_installation(installation: Installation, carried: str, location: str) -> list[CheckResult]:
    """Judge the identity that a Redis at `location` carries, "" for none, against that of Postgres."""
    if mismatch := explain_mismatch(installation, carried, location):
        what, _, remedy = mismatch.partition(". ")
        return [fail(what, f"{remedy}.")]
    return [ok(f"Redis and Postgres belong together (installation {installation.id[:8]})")] if carried else []

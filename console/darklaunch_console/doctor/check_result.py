"""What a check finds: fine, worth a warning, or broken; with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckLevel(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the doctor's: what is so, and what to do ("" when nothing is)."""

    level: CheckLevel
    what: str
    do: str = ""


def ok(what: str) -> CheckResult:
    """Find something as it should be."""
    return CheckResult(CheckLevel.OK, what)


def warn(what: str, do: str) -> CheckResult:
    """Find something that may become a problem."""
    return CheckResult(CheckLevel.WARN, what, do)


def fail(what: str, do: str) -> CheckResult:
    """Find something that does not work."""
    return CheckResult(CheckLevel.FAIL, what, do)

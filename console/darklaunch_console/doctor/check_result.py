"""What a check finds: fine, worth a warning, or broken; with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's: what is so, and what to do ("" when nothing is)."""

    level: Level
    what: str
    do: str = ""


def ok(what: str) -> Finding:
    """Find something as it should be."""
    return Finding(Level.OK, what)


def warn(what: str, do: str) -> Finding:
    """Find something that may become a problem."""
    return Finding(Level.WARN, what, do)


def fail(what: str, do: str) -> Finding:
    """Find something that does not work."""
    return Finding(Level.FAIL, what, do)

"""The result of a check: ok, a warning or a failure, with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from darklaunch_console.output.screen import BAD, GOOD, WARN, style_text, wrap_text
from darklaunch_console.output.text import escape_unprintable, format_plural


class CheckLevel(StrEnum):
    """How serious a result is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


STYLES: Final = {CheckLevel.OK: GOOD, CheckLevel.WARN: WARN, CheckLevel.FAIL: BAD}
INDENT: Final = " " * 6


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the doctor: `what` was found, and what to `do` about it ("" if nothing)."""

    level: CheckLevel
    what: str
    do: str = ""


def ok(what: str) -> CheckResult:
    """Return a result about something as it should be."""
    return CheckResult(CheckLevel.OK, what)


def warn(what: str, do: str) -> CheckResult:
    """Return a result about something that may become a problem."""
    return CheckResult(CheckLevel.WARN, what, do)


def fail(what: str, do: str) -> CheckResult:
    """Return a result about something that does not work."""
    return CheckResult(CheckLevel.FAIL, what, do)


def render_results(results: Sequence[CheckResult]) -> list[str]:
    """Return how many things do not work, then a line for each result with what to do below it."""
    failed = sum(result.level is CheckLevel.FAIL for result in results)
    warned = sum(result.level is CheckLevel.WARN for result in results)
    warnings = f", {format_plural(warned, 'warning')}" if warned else ""
    if failed:
        things = f"{format_plural(failed, 'thing')} of {len(results)} {'does' if failed == 1 else 'do'} not work"
        first_failure = next(result.what for result in results if result.level is CheckLevel.FAIL).rstrip(".")
        others = f"; and {failed - 1} more" if failed > 1 else ""
        headline = wrap_text(escape_unprintable(f"{things}{warnings}: {first_failure}{others}."))
        lines = [style_text(part, BAD) for part in headline]
    else:
        lines = [style_text(f"Everything works: {len(results)} checks{warnings}.", WARN if warned else GOOD)]
    for result in results:
        first, *rest = wrap_text(escape_unprintable(result.what), INDENT)
        lines += [f"{style_text(f'{result.level:<5}', STYLES[result.level])} {first.strip()}", *rest]
        if result.do:
            lines += wrap_text(escape_unprintable(result.do), INDENT)
    return lines

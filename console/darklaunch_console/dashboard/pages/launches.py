"""The page of all launches: which of them are ready for a decision, which run, which have ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import list_launches
from darklaunch_comparator.store.report_queries import LaunchLedger, RecentCounts
from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.dashboard.verdict_words import VerdictTone, VerdictWords, split_verdict
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.judgement import JudgedLaunch, read_judged_launch
from darklaunch_console.reports.verdict_text import describe_verdict
from darklaunch_console.stores.postgres import Connection

ENDED: Final = frozenset({LaunchStatus.PROMOTED, LaunchStatus.ROLLED_BACK})
LISTED_ENDED: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchRow:
    """One launch in the list. `mismatches` has the rate with its interval, {} before anything was judged."""

    judged: JudgedLaunch
    verdict: VerdictWords
    ledger: LaunchLedger
    mismatches: dict[str, Any]
    p95_ms: tuple[float, float] | None
    recent: tuple[RecentCounts, ...]

    @property
    def ended(self) -> bool:
        """True if the launch was promoted or rolled back."""
        return self.judged.state.status in ENDED


@dataclass(frozen=True, slots=True)
class LaunchSection:
    """The launches of one kind, under its title."""

    title: str
    rows: tuple[LaunchRow, ...]


@dataclass(frozen=True, slots=True)
class LaunchesPage:
    """All launches, in sections; `answer` is the sentence that the page opens with."""

    answer: str
    sections: tuple[LaunchSection, ...]
    more_ended: int


def read_launches(connection: Connection) -> LaunchesPage:
    """Read every running launch, and the latest of those that have ended."""
    records = list_launches(connection)
    running = [record for record in records if record.state.status not in ENDED]
    ended = sorted((record for record in records if record.state.status in ENDED), key=lambda record: record.updated_at)
    latest = ended[: -LISTED_ENDED - 1 : -1]
    rows = [_read_row(connection, record.state.name) for record in (*running, *latest)]
    return build_page(rows, more_ended=len(ended) - len(latest))


def build_page(rows: Sequence[LaunchRow], *, more_ended: int = 0) -> LaunchesPage:
    """Return the page of these rows: decisions first, then what runs, then what has ended."""
    running = [row for row in rows if not row.ended]
    ready = [row for row in running if row.verdict.tone is not VerdictTone.QUIET]
    sections = (
        LaunchSection("Ready for a decision", tuple(ready)),
        LaunchSection("Running", tuple(row for row in running if row not in ready)),
        LaunchSection("Ended", tuple(row for row in rows if row.ended)),
    )
    return LaunchesPage(_describe(running, ready), tuple(section for section in sections if section.rows), more_ended)


def _describe(running: Sequence[LaunchRow], ready: Sequence[LaunchRow]) -> str:
    if not running:
        return "No launch is running."
    if len(running) == len(ready):
        plural = len(ready) > 1
        return f"{'All' if plural else 'The'} {_count(len(ready)) + ' ' if plural else ''}running " + (
            "launches are ready for a decision." if plural else "launch is ready for a decision."
        )
    if not ready:
        return f"{format_plural(len(running), 'launch', 'launches')} running, none ready for a decision yet."
    verb = "is" if len(ready) == 1 else "are"
    return f"{_count(len(ready)).capitalize()} of {_count(len(running))} running launches {verb} ready for a decision."


def _count(number: int) -> str:
    words = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[number] if number < len(words) else f"{number:,}"


def _read_row(connection: Connection, name: str) -> LaunchRow:
    judged = read_judged_launch(connection, name)
    guards = {guard["guard"]: guard for guard in judged.summary.get("guards", ())}
    p95 = judged.summary.get("latency", {}).get("p95")
    return LaunchRow(
        judged=judged,
        verdict=split_verdict(describe_verdict(judged)),
        ledger=report_queries.read_launch_ledger(connection, name),
        mismatches=dict(guards.get("mismatch", {})),
        p95_ms=(p95[0], p95[1]) if p95 else None,
        recent=tuple(report_queries.read_recent_counts(connection, name)),
    )

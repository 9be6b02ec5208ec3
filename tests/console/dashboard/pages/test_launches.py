"""The sentence that opens the list of launches, and how the launches are grouped."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_comparator.store.report_queries import LaunchLedger
from darklaunch_console.dashboard.pages.launches import LaunchRow, build_page
from darklaunch_console.dashboard.verdict_words import split_verdict
from darklaunch_console.reports.judgement import JudgedLaunch
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
EMPTY = LaunchLedger(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {}, {})


def row(name: str, sentence: str, status: LaunchStatus = LaunchStatus.ACTIVE) -> LaunchRow:
    state = LaunchState(name, status, 10.0, False, 1, LaunchSpec("http://shadow:8000"))
    judged = JudgedLaunch(record=LaunchRecord(state, 0, NOW, NOW), judgement=None, per_s=0.0, now=NOW)
    return LaunchRow(
        judged=judged, verdict=split_verdict(sentence), ledger=EMPTY, mismatches={}, p95_ms=None, recent=()
    )


READY = row("a", "PROMOTE: all checks pass.")
WAITING = row("b", "KEEP WATCHING: 3 exchanges judged.")
ENDED = row("c", "PROMOTED: all checks pass.", LaunchStatus.PROMOTED)


@pytest.mark.parametrize(
    ("rows", "answer"),
    [
        ([ENDED], "No launch is running."),
        ([READY], "The running launch is ready for a decision."),
        ([READY, READY], "All two running launches are ready for a decision."),
        ([WAITING], "1 launch running, none ready for a decision yet."),
        ([READY, WAITING, ENDED], "One of two running launches is ready for a decision."),
    ],
)
def test_the_first_sentence_counts_the_decisions_to_take(rows: list[LaunchRow], answer: str) -> None:
    assert build_page(rows).answer == answer


def test_decisions_come_first_then_what_runs_then_what_has_ended() -> None:
    page = build_page([ENDED, WAITING, replace(READY)])
    assert [section.title for section in page.sections] == ["Ready for a decision", "Running", "Ended"]


def test_sections_without_launches_are_left_out() -> None:
    assert [section.title for section in build_page([WAITING]).sections] == ["Running"]

"""The sentences of a report: the answer first, figures with units, and no text that steers a terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_comparator.store.report_queries import ExcuseCount, LaunchLedger
from darklaunch_console.reports import noise_sentences, sentences
from darklaunch_console.reports.evidence import ReportEvidence
from darklaunch_console.reports.noise_baseline import NoiseBaseline
from darklaunch_console.reports.problems import ReportProblem
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
LEDGER = LaunchLedger(
    sampled=40, matched=32, mismatched=7, ignored=0, unverified=0, shadow_error=0, dead=0, dropped=1, settled=40,
    on_its_way=0, dropped_by_reason={"stale": 1}, skipped={"loop": 9, "body_too_large": 2},
)  # fmt: skip


def make_problem(number: int, *, endpoint: str = "GET /orders", **more: Any) -> ReportProblem:
    known: dict[str, Any] = {"first_seen": AT, "last_seen": AT, "sample": "p:1", "example": "", "outcome": "mismatched"}
    given = {"title": f"$.f{number} value", "count": 3, "share": 0.25, **known, **more}
    return ReportProblem(fingerprint=f"{number:012x}", endpoint=endpoint, **given)


def make_evidence(*problems: ReportProblem, ledger: LaunchLedger = LEDGER, control: str = "") -> ReportEvidence:
    state = LaunchState("shop", LaunchStatus.ACTIVE, 10.0, False, 1, LaunchSpec("http://h", control=control))
    return ReportEvidence(
        record=LaunchRecord(state, 0, AT, AT), ledger=ledger, compared=39, problems=problems, accepted=(), resolved=(),
        before_noise=(), baseline=NoiseBaseline((), ()), latency=(), excuses=(), coverage=None, since=AT,
        until=AT + timedelta(minutes=131),
    )  # fmt: skip


def test_the_first_three_problems_are_named_and_the_rest_counted() -> None:
    said = sentences.describe_problems(make_evidence(*(make_problem(number) for number in range(1, 6))))
    assert said.startswith("shop: 5 problems in 39 compared exchanges: GET /orders $.f1 value; ")
    assert said.endswith("GET /orders $.f3 value; and 2 more.")


def test_no_problem_and_nothing_compared_are_told_apart() -> None:
    assert sentences.describe_problems(make_evidence()) == "shop: no problem in 39 compared exchanges."
    empty = replace(make_evidence(), compared=0, ledger=replace(LEDGER, matched=0, mismatched=0))
    assert sentences.describe_problems(empty) == "shop: nothing has been compared yet."
    unverified = replace(empty, ledger=replace(empty.ledger, unverified=1))
    assert sentences.describe_problems(unverified) == "shop: nothing could be compared in 1 replay."


def test_what_may_be_noise_is_counted_and_held_against_nobody() -> None:
    doubted = replace(make_evidence(), in_doubt=(make_problem(1), make_problem(2)))
    assert sentences.describe_problems(doubted) == (
        "shop: no problem in 39 compared exchanges; 2 kinds of mismatch may be noise and are not judged yet."
    )
    assert noise_sentences.count_doubts(replace(doubted, in_doubt=(make_problem(1),))).endswith(" is not judged yet")


def test_the_ledger_is_a_sum_and_its_words_are_explained_where_they_occur() -> None:
    evidence = make_evidence()
    assert sentences.render_ledger(evidence) == "40 sampled = 32 matched + 7 mismatched + 1 dropped"
    assert sentences.list_outcome_meanings(evidence) == ["dropped: never replayed"]
    assert sentences.list_drop_reasons(evidence) == "stale 1"
    assert sentences.list_skip_reasons(evidence) == "body too large 2", (
        "replays that pass the shadow's hook say nothing"
    )


def test_replays_without_credentials_come_with_the_command_that_sends_them() -> None:
    assert sentences.describe_missing_credentials(make_evidence()) == ""
    said = sentences.describe_missing_credentials(replace(make_evidence(), without_credentials=13))
    assert said.startswith("33.33 % of the replays show nothing: the shadow asks who is there")
    assert said.endswith("darklaunch start NAME --shadow http://h --seal")


@pytest.mark.parametrize(("control", "advised"), [("", True), ("http://c", False)])
def test_what_no_baseline_has_witnessed_is_named_most_frequent_first(control: str, advised: bool) -> None:
    excuses = [ExcuseCount(f"GET /{at}", f"$.f{at % 5}", "generated_id", at, witnessed=False) for at in range(1, 11)]
    evidence = replace(make_evidence(control=control), excuses=(*excuses, ExcuseCount("GET /", "$.at", "clock", 99)))
    said = noise_sentences.describe_unwitnessed(evidence)
    assert "$.f0 (generated id) 15 times, $.f4 (generated id) 13 times, $.f3 (generated id) 11 times and 2 more" in said
    assert ("a baseline would: --control URL" in said) is advised
    assert noise_sentences.list_excused(evidence) == ["$.at (clock) 99"]


def test_a_period_and_a_frequency_are_figures_with_units() -> None:
    assert sentences.describe_period(make_evidence()).endswith("(2 h 11 min)")
    assert sentences.describe_frequency(make_problem(1, count=1)) == "once, 25 % of replays"
    assert sentences.describe_frequency(make_problem(1, count=1312)) == "1,312 times, 25 % of replays"


def test_who_decided_is_said_with_the_reason_and_steers_no_terminal() -> None:
    decided: dict[str, Any] = {
        "decided": "accepted",
        "decided_by": "ann\x1b[2J",
        "decided_why": "the new names",
        "decided_at": AT,
    }
    said = sentences.describe_decision(make_problem(1, **decided))
    assert said.startswith("accepted by ann\\x1b[2J at ") and said.endswith(": the new names")
    assert sentences.describe_decision(make_problem(1)) == ""


def test_other_samples_are_named_where_they_are_others() -> None:
    assert sentences.list_other_samples(make_problem(1, latest_sample="p:9", rarest_sample="p:1")) == "latest p:9"
    assert sentences.list_other_samples(make_problem(1)) == ""

"""The demo: what it counts as told, and, slow, that it comes out as told and prints what README.md shows."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from darklaunch_comparator.judging.policy_file import dump_policy_json, read_policy
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_console.commands import demo
from darklaunch_console.demo import expected
from darklaunch_console.demo.load import LoadSummary, UserLatencies
from darklaunch_console.demo.second_act import POLICY, SecondActResult, find_mistakes, policy_lines
from darklaunch_console.reports.evidence import ReportEvidence, ReportProblem
from darklaunch_console.reports.judgement import VerdictAnswer
from darklaunch_console.reports.noise_baseline import NoiseBaseline
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus

from tests.docs.page import page

NOW = datetime(2026, 1, 1, tzinfo=UTC)
USERS = LoadSummary(10, 10, 0, {200: 10}, UserLatencies(1, 2, 3, 4), (), 1.0, "")
SHARES = tuple(step.percent for step in POLICY.steps)


def evidence(status: LaunchStatus, *problems: ReportProblem, on_its_way: int = 0) -> ReportEvidence:
    state = LaunchState("shop-v3", status, 100.0, False, 1, LaunchSpec("http://a"))
    ledger = report_queries.LaunchLedger(10, 10 - on_its_way, 0, 0, 0, 0, 0, 0, 10 - on_its_way, on_its_way, {}, {})
    return ReportEvidence(
        LaunchRecord(state, 0, NOW, NOW),
        ledger,
        10,
        problems,
        (),
        (),
        (),
        NoiseBaseline((), ()),
        (),
        (),
        None,
        NOW,
        NOW,
        ("KEEP WATCHING: 10 exchanges judged.",),
    )


def problem(endpoint: str, title: str, outcome: str = "mismatched") -> ReportProblem:
    return ReportProblem("f" * 16, endpoint, title, outcome, 3, 0.1, NOW, NOW, "p:1", "")


def test_v3_promoted_by_the_judge_is_as_told() -> None:
    assert find_mistakes(SecondActResult(evidence(LaunchStatus.PROMOTED), SHARES, "judge", USERS)) == []


def test_the_second_act_says_what_came_out_otherwise() -> None:
    told = find_mistakes(
        SecondActResult(evidence(LaunchStatus.ACTIVE, on_its_way=2), SHARES[:2], "", replace(USERS, errors=1))
    )
    assert told[0] == "v3 was not promoted within 240 s: KEEP WATCHING: 10 exchanges judged."
    assert told[1:] == ["2 exchanges of v3 are unaccounted for", "1 users got an error from the primary: "]
    assert find_mistakes(SecondActResult(evidence(LaunchStatus.PROMOTED), (1.0, 100.0), "ann", USERS)) == [
        "v3 was promoted by ann, not by the judge",
        "the share was raised in other steps: 1 %, 100 %",
    ]
    bad = evidence(LaunchStatus.PROMOTED, problem("GET /quote", "status 200 → 500"))
    assert find_mistakes(SecondActResult(bad, SHARES, "judge", USERS)) == [
        "reported in v3, which has none: GET /quote status 200 → 500"
    ]


def test_the_first_act_wants_the_three_and_the_verdict() -> None:
    found = evidence(
        LaunchStatus.ACTIVE,
        problem("GET /orders/{id}", "$.total_cents missing, $.total extra"),
        problem("GET /quote", "status 200 → 500"),
        problem("GET /search", "no answer: timeout", "shadow_error"),
    )
    told = expected.find_mistakes(found, VerdictAnswer.UNDECIDED, USERS)
    assert told[0].startswith("the verdict about v2 was not to roll it back: KEEP WATCHING")
    assert all("was not seen to be excused" in line for line in told[1:]) and len(told) == 3


def test_the_policy_of_the_time_lapse_is_valid_and_printed_whole() -> None:
    assert read_policy(dump_policy_json(POLICY)) == POLICY
    lines = "\n".join(policy_lines())
    for figure in ("60 %", "3 s (usual: 5 min)", "3,000   0.1 %", "budgets 0.5 % (usual: 0.1 %)", "1.05 times"):
        assert figure in lines
    assert max(map(len, lines.splitlines())) <= 120


def test_what_was_dropped_in_the_second_act_has_its_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    told = evidence(LaunchStatus.PROMOTED)
    ledger = replace(told.ledger, sampled=16, dropped=6, dropped_by_reason={"stale": 2, "redis_down": 4})
    demo._tell_second(SecondActResult(replace(told, ledger=ledger), SHARES, "judge", USERS), [])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "  dropped: redis down 4, stale 2"
    demo._tell_second(SecondActResult(told, SHARES, "judge", USERS), [])
    assert "dropped:" not in capsys.readouterr().out


def skeleton(text: str) -> list[str]:
    """Give the lines of the demo without what differs from run to run: figures, ids, columns, late answers."""
    lines: list[str] = []
    for line in text.splitlines():
        plain = re.sub(r"\b[0-9a-z]{8}:\d+", "ID", line)
        plain = re.sub(r", or no answer in time \(\d+\)", "", plain)
        plain = re.sub(r"slower by more than 2,000 ms|no answer: timeout", "SLOW", plain)
        plain = re.sub(r"(latency: |no answer: connected).*", "PROOF", plain)
        plain = re.sub(r"\d+ of \d+ routes.*", "ROUTES", plain)
        plain = re.sub(r"[+−]?\d[\d.,:]*( min( \d+ s)?| s)?(?=\D|$)", "#", plain)
        lines.append(" ".join(plain.split()))
    return [line for line in lines if line]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_comes_out_as_told_and_prints_what_the_readme_shows() -> None:
    done = subprocess.run([sys.executable, "-m", "darklaunch_console", "demo"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = next(block for block in re.findall(r"```\n(.*?)```", page("README.md"), re.DOTALL) if "shop-v3" in block)
    missing = sorted(set(skeleton(shown)) - set(skeleton(done.stdout)))
    assert not missing, "\n".join(missing)


def test_the_readme_shows_every_figure_of_the_time_lapse() -> None:
    text = page("README.md")
    for line in policy_lines():
        assert line.rstrip() in text, line

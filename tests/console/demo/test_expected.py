"""Act 1 wants exactly the three planted bugs, the verdict to roll back, and the noise excused."""

from __future__ import annotations

from dataclasses import replace

from darklaunch_console.demo.expected import find_mistakes
from darklaunch_console.reports.judgement import VerdictAnswer
from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.demo import USERS, make_evidence, make_problem

BUGS = (
    make_problem("GET /orders/{id}", "$.total_cents missing, $.total extra"),
    make_problem("GET /quote", "status 200 → 500"),
    make_problem("GET /search", "no response: timeout", "shadow_error"),
)


def test_the_three_bugs_alone_leave_the_verdict_and_the_noise_to_object_to() -> None:
    mistakes = find_mistakes(make_evidence(LaunchStatus.ACTIVE, *BUGS), VerdictAnswer.UNDECIDED, USERS)
    assert mistakes[0].startswith("the verdict about v2 was not to roll it back: KEEP WATCHING")
    assert [line.endswith("was not excused") for line in mistakes[1:]] == [True, True]


def test_a_missing_bug_an_invented_one_and_an_error_of_users_are_mistakes() -> None:
    evidence = make_evidence(LaunchStatus.ACTIVE, *BUGS[:2], make_problem("GET /search", "body differs"), on_its_way=1)
    mistakes = find_mistakes(evidence, VerdictAnswer.ROLL_BACK, replace(USERS, errors=2, first_error="GET /: refused"))
    assert "v2 dropped the index that popular searches need, and GET /search was not reported for it" in mistakes
    assert "reported without being planted: GET /search body differs" in mistakes
    assert mistakes[-2:] == [
        "1 exchanges are unaccounted for",
        "2 users got an error from the primary: GET /: refused",
    ]

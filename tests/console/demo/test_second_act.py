"""Act 2 wants v3 promoted by the judge, step by step, with a policy that says how much less it asks for."""

from __future__ import annotations

from dataclasses import replace

from darklaunch_comparator.judging.policy_file import dump_policy_json, read_policy
from darklaunch_console.demo.second_act import POLICY, SecondActResult, find_mistakes, introduce
from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.demo import SHARES, USERS, make_evidence, make_problem


def test_v3_promoted_by_the_judge_is_no_mistake() -> None:
    assert find_mistakes(SecondActResult(make_evidence(LaunchStatus.PROMOTED), SHARES, "judge", USERS)) == []


def test_a_launch_that_is_not_promoted_or_not_by_the_judge_is_a_mistake() -> None:
    unfinished = make_evidence(LaunchStatus.ACTIVE, on_its_way=2)
    mistakes = find_mistakes(SecondActResult(unfinished, SHARES[:2], "", replace(USERS, errors=1)))
    assert mistakes == [
        "v3 was not promoted within 240 s: KEEP WATCHING: 10 exchanges judged.",
        "2 exchanges of v3 are unaccounted for",
        "1 users got an error from the primary: ",
    ]
    promoted = make_evidence(LaunchStatus.PROMOTED)
    assert find_mistakes(SecondActResult(promoted, (1.0, 100.0), "ann", USERS)) == [
        "v3 was promoted by ann, not by the judge",
        "the share was raised in other steps: 1 %, 100 %",
    ]
    buggy = make_evidence(LaunchStatus.PROMOTED, make_problem("GET /quote", "status 200 → 500"))
    assert find_mistakes(SecondActResult(buggy, SHARES, "judge", USERS)) == [
        "reported in v3, which has none: GET /quote status 200 → 500"
    ]


def test_the_policy_of_the_time_lapse_is_valid_and_compared_with_the_default() -> None:
    assert read_policy(dump_policy_json(POLICY)) == POLICY
    assert introduce()[-1] == "In a time-lapse: each step takes at least 3 s here and 5 min by default."

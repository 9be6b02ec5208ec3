"""The sentences: figures with their units, and how likely chance is."""

import math

import pytest
from darklaunch_comparator.judging.build_evidence import GuardEvidence
from darklaunch_comparator.judging.explain import describe_evidence, format_chance, format_percent
from darklaunch_comparator.judging.policy import Guard, JudgePolicy


@pytest.mark.parametrize(
    ("e_value", "words"),
    [
        (0.01, "this may well be chance"),
        (1.9, "this may well be chance"),
        (2, "less than 1 in 2 that this is chance"),
        (20, "less than 1 in 20 that this is chance"),
        (214, "less than 1 in 200 that this is chance"),
        (1000, "less than 1 in 1,000 that this is chance"),
        (1e300, "less than 1 in 1,000,000 that this is chance"),
    ],
)
def test_chance_is_given_in_words_and_never_overstated(e_value: float, words: str) -> None:
    assert format_chance(math.log(e_value)) == words


def test_evidence_says_where_what_and_how_much_is_allowed() -> None:
    mismatches = GuardEvidence(Guard.MISMATCH, "GET /cart", log_e=9.0, failed=21, n=1000)
    assert describe_evidence(mismatches, JudgePolicy()) == "GET /cart differs in 2.1 % of exchanges (budget 0.1 %)"
    few = GuardEvidence(Guard.MISMATCH, "GET /cart", log_e=9.0, failed=11, n=11, since_ms=1_767_268_800_000)
    assert describe_evidence(few, JudgePolicy(), "$.total: 42 → 0") == (
        "GET /cart differs in 11 of 11 exchanges (budget 0.1 %): $.total: 42 → 0, since 12:00:00 UTC"
    )
    slower = GuardEvidence(
        Guard.P95, "", log_e=9.0, failed=30, n=1000, before_ms=0.3, after_ms=1204, share=0.08, clock="hook"
    )
    assert describe_evidence(slower, JudgePolicy()) == (
        "the shadow is slower: p95 0.3 → 1,204 ms, in 8 % of requests (timed by the hook in both)"
    )


def test_percentages_have_at_most_three_figures() -> None:
    assert [format_percent(share) for share in (1, 0.021, 0.001, 0.0001)] == ["100 %", "2.1 %", "0.1 %", "0.01 %"]

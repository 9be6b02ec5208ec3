"""The verdict's sentence taken apart: the words that head the page, and the reason below them."""

import pytest
from darklaunch_console.dashboard.verdict_words import VerdictTone, split_verdict


@pytest.mark.parametrize(
    ("sentence", "words", "reason", "tone"),
    [
        ("PROMOTE: all checks pass.", "Promote", "All checks pass.", VerdictTone.GOOD),
        ("ROLL BACK: GET /a differs.", "Roll back", "GET /a differs.", VerdictTone.BAD),
        ("ROLLED BACK by ann: too slow.", "Rolled back", "By ann: too slow.", VerdictTone.BAD),
        ("SHADOW DOWN: no connection.", "Shadow down", "No connection.", VerdictTone.BAD),
        ("KEEP WATCHING: 12 exchanges judged.", "Keep watching", "12 exchanges judged.", VerdictTone.QUIET),
        ("INSUFFICIENT TRAFFIC: 3 in 2 h.", "Insufficient traffic", "3 in 2 h.", VerdictTone.QUIET),
    ],
)
def test_the_words_in_capitals_become_the_heading(sentence: str, words: str, reason: str, tone: VerdictTone) -> None:
    parts = split_verdict(sentence)
    assert (parts.words, parts.reason, parts.tone) == (words, reason, tone)


def test_capitals_in_the_reason_are_no_part_of_the_heading() -> None:
    assert split_verdict("PROMOTED: GET /A passes.").words == "Promoted"

"""The bar of one check's evidence, and its odds as people write them."""

import math

import pytest
from darklaunch_console.dashboard.drawings.evidence_bar import draw_evidence, format_odds


def test_odds_of_a_thousand_to_one_reach_the_end_of_their_side() -> None:
    over, within = draw_evidence(math.log(1e3), 0.0), draw_evidence(-1.0, math.log(1e9))
    assert (over.style, over.left, over.width) == ("ev-over", 50.0, 50.0)
    assert (within.style, within.left, within.width) == ("ev-within", 0.0, 50.0)


def test_twenty_to_one_ends_at_the_mark_of_the_axis() -> None:
    assert 50 + draw_evidence(math.log(20), 0.0).width == pytest.approx(71.68, abs=0.01)


def test_odds_below_one_draw_nothing() -> None:
    assert draw_evidence(-2.0, -3.0).width == 0.0


@pytest.mark.parametrize(
    ("log_e", "shown"),
    [(-1.0, "undecided"), (math.log(1.3), "1.3 : 1"), (math.log(46), "46 : 1"), (40.0, "> 10⁶ : 1")],
)
def test_odds_are_written_with_as_many_figures_as_mean_something(log_e: float, shown: str) -> None:
    assert format_odds(log_e) == shown

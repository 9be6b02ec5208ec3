"""The last hour as bars: the highest takes the whole height, and one mismatch can be seen."""

from darklaunch_comparator.store.report_queries import RecentCounts
from darklaunch_console.dashboard.drawings.last_hour import HEIGHT, SMALLEST, draw_last_hour


def test_bars_are_scaled_to_the_busiest_slot() -> None:
    bars = draw_last_hour([RecentCounts(0, 50, 0), RecentCounts(29, 100, 0)])
    assert [(bar.x, bar.compared, bar.mismatched) for bar in bars] == [(1.5, HEIGHT / 2, 0.0), (117.5, HEIGHT, 0.0)]


def test_one_mismatch_in_ten_thousand_can_be_seen() -> None:
    (bar,) = draw_last_hour([RecentCounts(3, 10_000, 1)])
    assert bar.mismatched == SMALLEST


def test_a_slot_in_which_nothing_was_compared_has_no_bar() -> None:
    assert draw_last_hour([RecentCounts(3, 0, 0)]) == []

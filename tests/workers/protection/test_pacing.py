"""How far apart the replays of one read are started."""

import pytest
from darklaunch_workers.protection.pacing import CATCH_UP, KEEP_UP, SPREAD_S, ReplayPacer


def ids(*milliseconds: int) -> list[str]:
    return [f"{ms}-{seq}" for seq, ms in enumerate(milliseconds)]


def test_what_a_hook_handed_over_at_once_is_spread_over_the_time_it_arrived_in() -> None:
    pacer = ReplayPacer()
    pacer.compute_gap_s(ids(1000), more_waiting=False)
    assert pacer.compute_gap_s(ids(1050, 1050, 1050, 1050), more_waiting=False) == pytest.approx(0.05 * KEEP_UP / 4)


def test_a_backlog_is_worked_off_at_twice_the_primarys_rate() -> None:
    pacer = ReplayPacer()
    pacer.compute_gap_s(ids(1000), more_waiting=True)
    assert pacer.compute_gap_s(ids(1050, 1100), more_waiting=True) == pytest.approx(0.1 * CATCH_UP / 2)


def test_what_comes_after_a_quiet_time_does_not_wait_for_it() -> None:
    pacer = ReplayPacer()
    pacer.compute_gap_s(ids(1000), more_waiting=False)
    assert pacer.compute_gap_s(ids(90_000, 90_000), more_waiting=False) == pytest.approx(SPREAD_S * KEEP_UP / 2)


def test_what_another_consumer_left_behind_is_not_paced_and_changes_no_pace() -> None:
    pacer = ReplayPacer()
    pacer.compute_gap_s(ids(2000), more_waiting=False)
    assert pacer.compute_gap_s(ids(500, 900), more_waiting=False) == 0
    assert pacer.compute_gap_s([], more_waiting=False) == 0
    assert pacer.compute_gap_s(ids(2040), more_waiting=False) == pytest.approx(0.04 * KEEP_UP)


def test_entries_of_one_moment_go_out_at_once() -> None:
    assert ReplayPacer().compute_gap_s(ids(7, 7, 7), more_waiting=True) == 0

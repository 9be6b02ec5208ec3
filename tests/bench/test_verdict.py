"""The simulations behind the verdict: their bounds hold, and they are broken by evidence that is too easily had."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable

import pytest
from darklaunch_comparator.evidence import Bet

from bench.verdict import alarms, delays, doubts, exact, naive
from bench.verdict.rows import Group
from tests.docs.page import ROOT

Growths = Callable[[Bet, float], tuple[float, ...]]


def broken(group: Group) -> list[str]:
    return [row.what.strip() for row in group.rows if row.holds is False]


def test_known_values_and_splits_hold() -> None:
    assert not broken(exact.known_values())
    assert not broken(exact.any_order_any_split())
    assert not broken(alarms.arrays_against_the_product())


def test_rare_alarms_and_quick_ones_hold() -> None:
    assert not broken(alarms.in_bursts(100))
    assert not broken(delays.of_mismatches(100))
    assert not broken(doubts.of_noise(80))
    assert not broken(doubts.of_faults(80))
    assert not broken(exact.seven_of_ten_a_hundred_times_slower())


def test_a_bet_that_forgets_what_is_allowed_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(bet: Bet, x: float) -> tuple[float, ...]:
        sign = 1 if bet.side == "above" else -1
        return tuple(math.log1p(max(sign * stake * x, -0.999)) for stake in bet.stakes)

    monkeypatch.setattr(Bet, "log_growths", generous)
    assert "mismatch above 0.1 %" in broken(alarms.at_the_boundary(50))


def test_a_timid_bet_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest: Growths = Bet.log_growths
    monkeypatch.setattr(Bet, "log_growths", lambda bet, x: tuple(growth / 4 for growth in honest(bet, x)))
    assert "its guard alone, in blocks" in broken(delays.of_mismatches(50))
    assert broken(exact.known_values())


def test_mann_whitney_gives_what_was_reported_of_it() -> None:
    """The interval and the estimate of spinnaker/spinnaker#6278, to the digits given there."""
    low, shift = naive.shift_interval(exact.CONTROL, exact.EXPERIMENT)
    assert low == pytest.approx(6.825022991538781e-05, rel=1e-6)
    assert shift == pytest.approx(98.99992904170193, rel=1e-9)


@pytest.mark.slow
@pytest.mark.timeout(2700)
def test_the_whole_table_holds() -> None:
    """The same as `python -m bench.verdict`, which prints it."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.verdict"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""Back-off: waits double up to a cap, are never in step, and begin again after a success."""

import random

from darklaunch_shared.process.backoff import Backoff


def test_waits_double_up_to_the_cap_and_lie_in_the_upper_half() -> None:
    backoff = Backoff(first_s=0.1, cap_s=1.0)
    for ceiling_s in (0.1, 0.2, 0.4, 0.8, 1.0, 1.0):
        assert ceiling_s / 2 <= backoff.next_s() <= ceiling_s
    assert backoff.failures == 6


def test_after_a_success_it_begins_again() -> None:
    backoff = Backoff(first_s=0.1, cap_s=1.0)
    for _ in range(5):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.1


def test_any_number_of_failures_waits_no_longer_than_the_cap() -> None:
    backoff = Backoff(first_s=0.1, cap_s=5.0)
    backoff.failures = 100_000
    assert backoff.next_s() <= 5.0


def test_an_app_that_seeds_its_chance_gets_the_numbers_it_expects() -> None:
    random.seed(7)
    expected = random.random()
    random.seed(7)
    Backoff().next_s()
    assert random.random() == expected

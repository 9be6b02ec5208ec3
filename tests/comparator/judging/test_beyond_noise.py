"""Which places are said to differ more than their own noise."""

import random

from darklaunch_comparator.judging import explain
from darklaunch_comparator.judging.beyond_noise import PairedPlace, find_places_beyond_noise

TOTAL = PairedPlace("GET /orders/{id}", "$.total", "primary", 12, 0, 120)
NOISY = PairedPlace("GET /orders/{id}", "$.at", "primary", 30, 28, 120)


def test_what_differs_more_than_by_noise_is_named_and_noise_is_not() -> None:
    assert find_places_beyond_noise([TOTAL, NOISY], [], 0.05) == (TOTAL,)
    assert (
        explain.describe_place(TOTAL)
        == "$.total at GET /orders/{id} differs more often than one version does from itself "
        "(120 requests asked twice); less than 1 in 500 that this is chance"
    )


def test_what_was_counted_of_an_earlier_build_is_left_out() -> None:
    assert find_places_beyond_noise([TOTAL], [TOTAL], 0.05) == ()
    later = PairedPlace(*TOTAL.key, 24, 0, 200)
    assert find_places_beyond_noise([later], [TOTAL], 0.05) == (PairedPlace(*TOTAL.key, 12, 0, 80),)


def test_a_place_that_both_versions_show_is_named_once() -> None:
    shown = PairedPlace(TOTAL.endpoint, TOTAL.path, "shadow", 40, 0, 50)
    assert find_places_beyond_noise([TOTAL, shown], [], 0.05) == (shown,)


def test_of_many_that_are_only_noisy_next_to_none_is_ever_named() -> None:
    chance = random.Random(5)
    named = 0
    for _ in range(200):
        pos = [sum(chance.random() < 0.5 for _ in range(60)) for _ in range(20)]
        places = [PairedPlace("GET /", f"$.{at}", "primary", up, 60 - up, 100) for at, up in enumerate(pos)]
        named += bool(find_places_beyond_noise(places, [], 0.05))
    assert named <= 10

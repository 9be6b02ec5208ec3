"""The baseline is the witness that a time does not move with the clock."""

from darklaunch_comparator.compare import NoiseAspect
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.results.result import NoiseObservation
from darklaunch_shared.wire.replay import ReplayedVersion

from tests.support.exchanges import NOW_MS, RULES, asked_twice, exchange

CREATED = ("$.created_at", NoiseAspect.VALUE)


def observe(
    primary_ms: int, shadow_ms: int, again_ms: int, version: ReplayedVersion = ReplayedVersion.PRIMARY
) -> NoiseObservation:
    bodies = [{"created_at": at_ms} for at_ms in (primary_ms, shadow_ms, again_ms)]
    entry = asked_twice(exchange("x", 1, body=bodies[0]), body=bodies[1], again=bodies[2], version=version)
    observation = assess_entry("x", entry, RULES).observation
    assert observation is not None
    return observation


def test_a_time_that_the_baseline_repeats_later_is_stored() -> None:
    stored_ms = NOW_MS - 61_123

    assert CREATED in observe(stored_ms, stored_ms + 1_000, stored_ms).agreed


def test_a_time_that_moved_in_the_baseline_too_is_made_anew() -> None:
    observation = observe(NOW_MS + 3, NOW_MS + 47, NOW_MS + 91)

    assert CREATED in observation.regenerated
    assert CREATED not in observation.agreed | observation.shadow_odd | observation.all_differ


def test_the_shadow_is_no_witness_for_times() -> None:
    stored_ms = NOW_MS - 61_123

    assert CREATED not in observe(stored_ms, stored_ms, stored_ms, ReplayedVersion.SHADOW).agreed

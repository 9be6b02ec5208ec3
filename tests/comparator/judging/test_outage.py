"""A shadow that does not respond: when that is an outage, and when it is not."""

import orjson
from darklaunch_comparator.judging.explain import describe_outage
from darklaunch_comparator.judging.outage import AttemptCounts, ShadowOutage

NOON_MS = 1_767_268_800_000


def observe(*counts: tuple[int, int], every_s: float = 2.0) -> ShadowOutage:
    """Return the outage after totals of (responses, refused connections), one look every so often."""
    outage = ShadowOutage()
    for number, (responses, refused) in enumerate(counts):
        failures = {"refused": refused} if refused else {}
        outage = outage.with_counts(AttemptCounts(responses, failures), NOON_MS + round(number * every_s * 1000))
        assert ShadowOutage.unpack(orjson.loads(orjson.dumps(outage.pack()))).failed == outage.failed
    return outage


def test_three_failures_are_an_outage_of_a_shadow_that_never_responded_and_five_of_another() -> None:
    assert not observe((0, 1), (0, 2), (0, 2)).is_down
    assert observe((0, 1), (0, 2), (0, 3)).is_down
    assert not observe((7, 0), (7, 1), (7, 2), (7, 4)).is_down
    assert observe((7, 0), (7, 1), (7, 2), (7, 5)).is_down


def test_a_single_moment_is_no_outage() -> None:
    assert not observe((0, 200), (0, 200)).is_down


def test_one_response_ends_it() -> None:
    assert not observe((0, 3), (0, 9), (0, 20), (1, 21)).is_down


def test_it_asks_for_a_rollback_after_half_a_minute_of_failures_and_not_of_silence() -> None:
    failing = [(0, number) for number in range(3, 20)]
    assert observe(*failing).asks_for_rollback
    assert not observe(*failing[:8], *[failing[7]] * 50).asks_for_rollback


def test_it_says_what_happens_how_often_and_since_when() -> None:
    assert describe_outage(observe((0, 1), (0, 9), (0, 20))) == (
        "the shadow refuses connections: none of 20 attempts got a response, and it has never responded, "
        "since 12:00:00 UTC"
    )
    assert describe_outage(observe((5, 0), (5, 4), (5, 8))) == (
        "the shadow refuses connections: none of the last 8 attempts got a response, since 12:00:02 UTC"
    )

"""By whose clock latency is compared: the best that both sides have."""

from __future__ import annotations

import pytest
from darklaunch_comparator.results.latency_clock import ComparedLatency, LatencyClock, choose_clock
from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.replay import LatencySource, NoiseReplay, ReplayedVersion, ShadowResponse

APP, CLIENT = LatencySource.SERVER_TIMING, LatencySource.CLIENT


def respond(source: LatencySource, floor_ms: float | None = None, latency_ms: float = 30.0) -> ShadowResponse:
    return ShadowResponse(Response(200, (), b"", latency_ms), source, 1, 1_763_900_000_000, floor_ms=floor_ms)


def ask_baseline(source: LatencySource, floor_ms: float | None = None) -> NoiseReplay:
    return NoiseReplay(ReplayedVersion.PRIMARY, respond(source, floor_ms, 20.0))


@pytest.mark.parametrize(
    ("shadow", "again", "compared"),
    [
        (respond(APP), None, ComparedLatency(LatencyClock.HOOK)),
        (respond(APP), ask_baseline(APP), ComparedLatency(LatencyClock.HOOK, 20.0)),
        (respond(APP), ask_baseline(CLIENT), ComparedLatency(LatencyClock.HOOK)),
        (respond(CLIENT), ask_baseline(CLIENT), ComparedLatency(LatencyClock.BASELINE, 20.0)),
        (respond(CLIENT, 4.0), ask_baseline(CLIENT, 5.0), ComparedLatency(LatencyClock.BASELINE, 15.0, 4.0)),
        (respond(CLIENT, 4.0), ask_baseline(CLIENT, 25.0), ComparedLatency(LatencyClock.BASELINE, 0.0, 4.0)),
        (respond(CLIENT, 4.0), None, ComparedLatency(LatencyClock.WORKER, None, 4.0)),
        (respond(CLIENT), None, ComparedLatency()),
    ],
)
def test_the_best_clock_of_both_sides_is_taken(
    shadow: ShadowResponse, again: NoiseReplay | None, compared: ComparedLatency
) -> None:
    assert choose_clock(shadow, again) == compared


def test_the_shadow_asked_twice_is_no_baseline() -> None:
    again = NoiseReplay(ReplayedVersion.SHADOW, respond(CLIENT, 5.0))
    assert choose_clock(respond(CLIENT, 4.0), again).clock is LatencyClock.WORKER

"""By whose clock an exchange's latency is compared."""

from enum import StrEnum

from darklaunch_shared.process.fast_dataclass import immutable
from darklaunch_shared.wire.replay import LatencySource, NoiseReplay, ReplayedVersion, ShadowResponse


class LatencyClock(StrEnum):
    """How both sides of an exchange were timed, the best first.

    hook       in the app, on both sides
    baseline   by the worker, the shadow against the baseline: one client, one kind of server, the same request
    worker     by the worker, less what the network takes at least, against the primary's time in the app
    """

    HOOK = "hook"
    BASELINE = "baseline"
    WORKER = "worker"


@immutable
class ComparedLatency:
    """By which clock an exchange is compared; `clock` is None if its two sides cannot be.

    baseline_ms   the baseline's time by the same clock as the shadow's, less its network's, None without one
    floor_ms      what the network takes at least of the shadow's time; None if nothing is to be subtracted
    """

    clock: LatencyClock | None = None
    baseline_ms: float | None = None
    floor_ms: float | None = None


def choose_clock(shadow: ShadowResponse, noise_replay: NoiseReplay | None) -> ComparedLatency:
    """Return the best clock that both sides of an exchange have."""
    baseline = None
    if (
        noise_replay is not None
        and noise_replay.version is ReplayedVersion.PRIMARY
        and isinstance(noise_replay.outcome, ShadowResponse)
    ):
        baseline = noise_replay.outcome
    if shadow.latency_source is LatencySource.SERVER_TIMING:
        in_app = baseline is not None and baseline.latency_source is LatencySource.SERVER_TIMING
        return ComparedLatency(LatencyClock.HOOK, baseline.response.latency_ms if baseline and in_app else None)
    if baseline is not None and baseline.worker_ms is not None:
        if shadow.floor_ms is None or baseline.floor_ms is None:
            return ComparedLatency(LatencyClock.BASELINE, baseline.worker_ms)
        baseline_ms = max(0.0, baseline.worker_ms - baseline.floor_ms)
        return ComparedLatency(LatencyClock.BASELINE, baseline_ms, shadow.floor_ms)
    if shadow.floor_ms is None:
        return ComparedLatency()
    return ComparedLatency(LatencyClock.WORKER, None, shadow.floor_ms)

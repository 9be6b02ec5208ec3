"""Simulated traffic: outcomes in {−1, 0, 1}, and latencies of pairs, all of shape (launches, exchanges)."""

from dataclasses import dataclass

import numpy as np

from .engine import Floats, Outcomes

REQUEST_SPREAD = 0.6
"""Sigma of the log of what a request itself takes: some are heavy on both sides."""
SERVICE_NOISE = 0.25
"""Sigma of the log of what a server adds by chance, drawn anew for each side."""
TYPICAL_MS = 40.0


@dataclass(frozen=True)
class Pairs:
    """What both sides took, in ms, and which requests are heavy by themselves (their rank in [0, 1])."""

    primary_ms: Floats
    shadow_ms: Floats
    heaviness: Floats


def failures(rng: np.random.Generator, launches: int, exchanges: int, rate: float) -> Outcomes:
    """Fail each exchange with probability `rate`, independently."""
    return (rng.random((launches, exchanges), dtype=np.float32) < rate).astype(np.int8)


def bursts(rng: np.random.Generator, launches: int, exchanges: int, rate: float, length: int) -> Outcomes:
    """Fail exchanges in runs of `length`, the share `rate` of them all in the long run."""
    starts = rng.random((launches, exchanges + length)) < 1 - (1 - rate) ** (1 / length)
    failed = np.zeros((launches, exchanges + length), dtype=np.int8)
    for launch, start in zip(*np.nonzero(starts), strict=True):
        failed[launch, start : start + length] = 1
    return failed[:, length:]


def pairs(rng: np.random.Generator, launches: int, exchanges: int) -> Pairs:
    """Draw latencies of two equally fast versions: log-normal, sharing what the request itself takes."""
    shape = launches, exchanges
    request = rng.standard_normal(shape)
    primary, shadow = (
        TYPICAL_MS * np.exp(REQUEST_SPREAD * request + SERVICE_NOISE * rng.standard_normal(shape)) for _ in range(2)
    )
    ranks = request.argsort(axis=1).argsort(axis=1) / exchanges
    return Pairs(primary, shadow, ranks)

"""The guards together over many simulated launches at once, each exchange a bet: the evidence before it is in blocks.

What the product does, block by block, is left to its own code: see `judge`.
"""

from dataclasses import dataclass, field

import numpy as np
from darklaunch_comparator.evidence import above, log_threshold

from .engine import NEVER, Floats, Ints, Outcomes, average, first, means_of, paths
from .traffic import Pairs

ALPHA = 0.05
BAR = log_threshold(ALPHA)
BUDGET = 0.001
LEAST = 20
"""No launch is rolled back on fewer exchanges."""
BLOCK = 100
"""Exchanges in a block."""
WEIGHTS = {"mismatch": 0.35, "error": 0.25, "slow": 0.15, "p50": 0.10, "p95": 0.10, "p99": 0.05}
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
MAX_LATENCY_DIFF_MS = 2000
ALLOWED_FACTOR = 1.05
BURN_IN, REFRESH, MEMORY = 200, 1000, 5000


@dataclass(frozen=True)
class Launches:
    """Simulated launches: what both sides took, what failed, and at which endpoint; None if there is only one."""

    pairs: Pairs
    failed: dict[str, Outcomes] = field(default_factory=dict[str, Outcomes])
    endpoints: Outcomes | None = None

    def outcomes(self) -> dict[str, Outcomes]:
        """Return X of each guard, exchange by exchange."""
        none = np.zeros(self.pairs.primary_ms.shape, dtype=np.int8)
        slow = (self.pairs.shadow_ms - self.pairs.primary_ms > MAX_LATENCY_DIFF_MS).astype(np.int8)
        quantiles = {guard: exceedances(self.pairs, q) for guard, q in QUANTILES.items()}
        return {"mismatch": none, "error": none, "slow": slow} | quantiles | self.failed


def exceedances(pairs: Pairs, q: float) -> Outcomes:
    """Return 1{S/1.05 > c} − 1{P > c}, c the primary's q-quantile from earlier exchanges only; 0 in the burn-in."""
    found = np.zeros(pairs.primary_ms.shape, dtype=np.int8)
    size = pairs.primary_ms.shape[1]
    for start in range(BURN_IN, size, REFRESH):
        now = slice(start, min(start + REFRESH, size))
        c = np.quantile(pairs.primary_ms[:, max(0, start - MEMORY) : start], q, axis=1, keepdims=True)
        shadow_over = pairs.shadow_ms[:, now] / ALLOWED_FACTOR > c
        found[:, now] = shadow_over.astype(np.int8) - (pairs.primary_ms[:, now] > c)
    return found


def votes(outcomes: Outcomes) -> Outcomes:
    """Return the one vote of each block."""
    return np.sign(means_of(outcomes, BLOCK)).astype(np.int8)


def by_exchange(guard: str, outcomes: Outcomes) -> Floats:
    """Bet on each exchange of one guard."""
    return paths(above(0.0, -1) if guard in QUANTILES else above(BUDGET), outcomes)


def total(outcomes: dict[str, Outcomes]) -> Floats:
    """Return log of Σ weight·E after each exchange."""
    parts: list[tuple[float, Floats]] = []
    for guard, weight in WEIGHTS.items():
        seen = outcomes[guard] if outcomes[guard].any() else outcomes[guard][:1]
        logs = by_exchange(guard, seen)  # nothing ever happened: the bets are lost alike in every launch
        parts.append((weight, np.broadcast_to(logs, (len(outcomes[guard]), logs.shape[1]))))
    return average(parts)


def rolled_back_each(outcomes: dict[str, Outcomes]) -> Ints:
    """Return the exchange after which each launch is rolled back, betting on each exchange."""
    return first(total(outcomes) >= BAR, least=LEAST)


def in_exchanges(blocks: Ints, *, since: int = 0) -> Ints:
    """Turn numbers of blocks into exchanges, counted from the block `since` on."""
    return np.where(blocks < NEVER, (blocks - since) * BLOCK, blocks)

"""The guards together, by the default policy, over many simulated launches: what rolls back or promotes, and when."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from darklaunch_comparator.evidence import above, below, log_threshold

from .engine import NEVER, Floats, Ints, Outcomes, average, block_paths, first, means_of, paths, restart_paths
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
STAGES = ((0.05, 100), (0.01, 500), (0.005, 1000), (0.001, 3000))
"""The bound that clears each stage, and the exchanges it lasts at least."""
MAX_LATENCY_DIFF_MS = 2000
ALLOWED_FACTOR = 1.05
BURN_IN, REFRESH, MEMORY = 200, 1000, 5000


@dataclass(frozen=True)
class Launches:
    """Simulated launches: what both sides took, and what failed."""

    pairs: Pairs
    failed: dict[str, Outcomes] = field(default_factory=dict[str, Outcomes])

    def outcomes(self) -> dict[str, Outcomes]:
        """Give X of each guard, exchange by exchange."""
        none = np.zeros(self.pairs.primary_ms.shape, dtype=np.int8)
        slow = (self.pairs.shadow_ms - self.pairs.primary_ms > MAX_LATENCY_DIFF_MS).astype(np.int8)
        quantiles = {guard: exceedances(self.pairs, q) for guard, q in QUANTILES.items()}
        return {"mismatch": none, "error": none, "slow": slow} | quantiles | self.failed


def exceedances(pairs: Pairs, q: float) -> Outcomes:
    """Give 1{S/1.05 > c} − 1{P > c}, c the primary's q-quantile from earlier exchanges only; 0 in the burn-in."""
    found = np.zeros(pairs.primary_ms.shape, dtype=np.int8)
    size = found.shape[1]
    for start in range(BURN_IN, size, REFRESH):
        now = slice(start, min(start + REFRESH, size))
        c = np.quantile(pairs.primary_ms[:, max(0, start - MEMORY) : start], q, axis=1, keepdims=True)
        shadow_over = pairs.shadow_ms[:, now] / ALLOWED_FACTOR > c
        found[:, now] = shadow_over.astype(np.int8) - (pairs.primary_ms[:, now] > c)
    return found


def votes(outcomes: Outcomes) -> Outcomes:
    """Give each block's one vote."""
    return np.sign(means_of(outcomes, BLOCK)).astype(np.int8)


def by_exchange(guard: str, outcomes: Outcomes) -> Floats:
    """Bet on each exchange of one guard."""
    return paths(above(0.0, -1) if guard in QUANTILES else above(BUDGET), outcomes)


def by_block(guard: str, outcomes: Outcomes) -> Floats:
    """Bet on each block of one guard: on its vote for latency, on its mean otherwise."""
    if guard in QUANTILES:
        return paths(above(0.0, -1), votes(outcomes))
    form = block_paths if guard == "slow" else restart_paths
    return form(above(BUDGET), means_of(outcomes, BLOCK))


def total(outcomes: dict[str, Outcomes], form: Callable[[str, Outcomes], Floats]) -> Floats:
    """Give log of Σ weight·E after each exchange, or after each block, as `form` bets."""
    parts: list[tuple[float, Floats]] = []
    for guard, weight in WEIGHTS.items():
        seen = outcomes[guard] if outcomes[guard].any() else outcomes[guard][:1]
        logs = form(guard, seen)  # nothing ever happened: the bets are lost alike in every launch
        parts.append((weight, np.broadcast_to(logs, (len(outcomes[guard]), logs.shape[1]))))
    return average(parts)


def rolled_back_each(outcomes: dict[str, Outcomes]) -> Ints:
    """Give the exchange after which each launch is rolled back, betting on each exchange."""
    return first(total(outcomes, by_exchange) >= BAR, least=LEAST)


def rolled_back(outcomes: dict[str, Outcomes]) -> Ints:
    """Give the exchange after which each launch is rolled back, betting on blocks, as the product does."""
    return in_exchanges(first(total(outcomes, by_block) >= BAR))


def promoted(outcomes: dict[str, Outcomes]) -> Ints:
    """Give the exchange after which each launch would be promoted: nothing rolled it back, no soak to wait for."""
    guards = [outcomes[guard] for guard in ("mismatch", "error", "slow")]
    moments = np.arange(1, guards[0].shape[1] + 1)
    done = np.zeros(len(guards[0]), dtype=np.int64)
    for bound, least in STAGES:
        cleared = np.minimum.reduce([paths(below(bound), outcome) for outcome in guards]) >= BAR
        done = first(cleared & (moments >= np.minimum(done, NEVER - least)[:, None] + least))
    return done


def in_exchanges(blocks: Ints, *, since: int = 0) -> Ints:
    """Turn numbers of blocks into exchanges, counted from the block `since` on."""
    return np.where(blocks < NEVER, (blocks - since) * BLOCK, blocks)

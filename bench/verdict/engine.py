"""The product's e-processes over many simulated launches at once: arrays of shape (launches, exchanges or blocks).

The growth of each stake is the product's own; what is repeated here in numpy is the arithmetic around it, and `agrees`
holds it to the product at random states.
"""

import math

import numpy as np
from darklaunch_comparator.evidence import Bet, BlockCapital, OutcomeCounts, RestartMixture, log_e
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Outcomes = NDArray[np.int8]
NEVER = np.iinfo(np.int64).max
_CELLS = 2_000_000


def paths(bet: Bet, outcomes: Outcomes) -> Floats:
    """Return log E after each exchange, for outcomes in {−1, 0, 1}."""
    found = np.empty(outcomes.shape)
    for rows in _chunks(outcomes.shape):
        pos = np.cumsum(outcomes[rows] == 1, axis=1, dtype=np.int64)
        neg = np.cumsum(outcomes[rows] == -1, axis=1, dtype=np.int64)
        found[rows] = of_counts(bet, pos, neg, np.arange(1, outcomes.shape[1] + 1))
    return found


def of_counts(bet: Bet, pos: Ints, neg: Ints, n: Ints) -> Floats:
    """Return log E of counts, element by element."""
    zero = n - pos - neg
    logs = []
    for up, down, still in zip(*(bet.log_growths(x) for x in (1.0, -1.0 if bet.lo else 0.0, 0.0)), strict=True):
        total = zero * still
        for count, growth in ((pos, up), (neg, down)):
            total = total + (np.where(count > 0, -np.inf, 0.0) if growth == -math.inf else count * growth)
        logs.append(total)
    return _log_mean_exp(np.stack(logs))


def block_paths(bet: Bet, means: Floats) -> Floats:
    """Return log E after each block, from the blocks' means."""
    return np.concatenate([_log_mean_exp(np.cumsum(_growths(bet, means[r]), axis=2)) for r in _chunks(means.shape)])


def restart_paths(bet: Bet, means: Floats) -> Floats:
    """Return the restart mixture's log E after each block, from the blocks' means."""
    found = np.empty(means.shape)
    for rows in _chunks(means.shape):
        started = np.full((len(bet.stakes), len(means[rows])), -np.inf)
        for b, growth in enumerate(np.moveaxis(_growths(bet, means[rows]), 2, 0)):
            started = np.logaddexp(started, -math.log((b + 1) * (b + 2))) + growth
            found[rows, b] = np.logaddexp(_log_mean_exp(started), -math.log(b + 2))
    return found


def restart_each_paths(bet: Bet, outcomes: Outcomes, *, good_blocks: int, size: int) -> Floats:
    """Return the restart mixture's log E after each exchange, after that many blocks without a failure.

    Bets are on each exchange here; only the start of a new one is at each block.
    """
    up, still = (np.array(bet.log_growths(x))[:, None] for x in (1.0, 0.0))
    started = np.full((len(bet.stakes), len(outcomes)), -np.inf)
    found = np.empty(outcomes.shape)
    for b in range(good_blocks):
        started = np.logaddexp(started, -math.log((b + 1) * (b + 2))) + size * still
    for nth in range(outcomes.shape[1]):
        b = good_blocks + nth // size
        if nth % size == 0:
            started = np.logaddexp(started, -math.log((b + 1) * (b + 2)))
        started = started + np.where(outcomes[:, nth] == 1, up, still)
        found[:, nth] = np.logaddexp(_log_mean_exp(started), -math.log(b + 2))
    return found


def average(parts: list[tuple[float, Floats]]) -> Floats:
    """Return log of Σ weight·E; weight that no part has counts as E = 1."""
    total = np.full(parts[0][1].shape, math.log(max(1 - math.fsum(weight for weight, _ in parts), 1e-300)))
    for weight, logs in parts:
        np.logaddexp(total, logs + math.log(weight), out=total)
    return total


def first(reached: NDArray[np.bool_], *, least: int = 1) -> Ints:
    """Return the first flagged exchange of each launch, from 1; NEVER if none. Those before `least` do not count."""
    reached = reached.copy()
    reached[:, : least - 1] = False
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, NEVER)


def means_of(outcomes: Outcomes, size: int) -> Floats:
    """Cut into blocks of `size` exchanges and give their means; a rest is left out."""
    whole = outcomes.shape[1] // size * size
    return outcomes[:, :whole].reshape(len(outcomes), -1, size).mean(axis=2)


def agrees(bet: Bet, outcomes: Outcomes, rng: np.random.Generator, *, size: int = 100) -> float:
    """Return the largest difference between the arrays and the product, at random launches and moments."""
    worst = 0.0
    for launch in rng.integers(len(outcomes), size=5):
        seen = outcomes[launch : launch + 1]
        path = paths(bet, seen)[0]
        for n in rng.integers(1, seen.shape[1] + 1, size=5):
            head = seen[0, :n]
            counts = OutcomeCounts(int((head == 1).sum()), int((head == -1).sum()), int(n))
            worst = max(worst, abs(log_e(bet, counts) - path[n - 1]))
        means = means_of(seen, size)
        sums, mixture = BlockCapital.empty(bet), RestartMixture.empty(bet)
        for block in seen[0, : means.shape[1] * size].reshape(-1, size):
            counts = OutcomeCounts(int((block == 1).sum()), int((block == -1).sum()), size)
            sums, mixture = sums.with_block(bet, counts), mixture.with_block(bet, counts)
        worst = max(worst, abs(sums.log_e - block_paths(bet, means)[0, -1]))
        worst = max(worst, abs(mixture.log_e - restart_paths(bet, means)[0, -1]))
    return worst


def _growths(bet: Bet, means: Floats) -> Floats:
    """Return log growths of shape (stakes, launches, blocks); the product computes each distinct mean once."""
    distinct, where = np.unique(means, return_inverse=True)
    table = np.array([bet.log_growths(float(mean)) for mean in distinct]).T
    return table[:, where.reshape(means.shape)]


def _log_mean_exp(logs: Floats) -> Floats:
    top = np.maximum(logs.max(axis=0), -1e300)
    with np.errstate(divide="ignore"):
        return top + np.log(np.exp(logs - top).mean(axis=0))


def _chunks(shape: tuple[int, ...]) -> list[slice]:
    step = max(1, _CELLS // shape[1])
    return [slice(start, start + step) for start in range(0, shape[0], step)]

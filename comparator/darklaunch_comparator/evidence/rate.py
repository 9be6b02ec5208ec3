"""Bounds of a rate that hold at every look: the confidence sequence of the beta-binomial mixture.

Source: Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences" (arXiv
1810.08240). Lindon, Sanden and Shirikian (arXiv 2205.14762) watch software deployments with bounds of this kind.
"""

import math
from dataclasses import dataclass
from typing import Final

_A: Final = 0.5
_B: Final = 0.5
_HALVINGS: Final = 90


@dataclass(frozen=True, slots=True)
class RateInterval:
    """A range of rates, as fractions in [0, 1]."""

    low: float
    high: float


def confidence_sequence(hits: int, n: int, alpha: float = 0.05) -> RateInterval:
    """Return bounds of the rate behind `hits` in `n`; with probability 1 − `alpha` they contain it at all n at once.

    The rates p at which the mixture B(a+S, b+n−S)/B(a, b) over p^S·(1−p)^(n−S) stays below 1/α, a = b = ½. With n = 0,
    [0, 1]. Raises ValueError unless 0 ≤ hits ≤ n and 0 < alpha ≤ 1.
    """
    if not 0 <= hits <= n or not 0 < alpha <= 1:
        raise ValueError(f"0 ≤ hits ≤ n and 0 < alpha ≤ 1 must hold, got hits {hits}, n {n}, alpha {alpha}")
    if n == 0:
        return RateInterval(0.0, 1.0)
    bound = -math.log(alpha) - _log_beta(_A + hits, _B + n - hits) + _log_beta(_A, _B)
    rate = hits / n
    low = 0.0 if hits == 0 else _find_crossing(hits, n, bound, outside=0.0, inside=rate)
    high = 1.0 if hits == n else _find_crossing(hits, n, bound, outside=1.0, inside=rate)
    return RateInterval(low, high)


def _find_crossing(hits: int, n: int, bound: float, *, outside: float, inside: float) -> float:
    for _ in range(_HALVINGS):
        middle = (outside + inside) / 2
        if _surprise(hits, n, middle) > bound:
            outside = middle
        else:
            inside = middle
    return inside


def _surprise(hits: int, n: int, p: float) -> float:
    """Return −log of p^hits·(1−p)^(n−hits); infinite if the outcome is impossible."""
    if (p <= 0 and hits) or (p >= 1 and hits < n):
        return math.inf
    return -(hits * math.log(p) if hits else 0.0) - ((n - hits) * math.log1p(-p) if hits < n else 0.0)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

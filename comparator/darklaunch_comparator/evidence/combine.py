"""Many pieces of evidence: one average, one list of the guilty.

Source of `blame`: Wang and Ramdas, "False discovery rate control with e-values" (arXiv 2009.02824).
"""

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

from .betting import log_sum_exp

Name = TypeVar("Name")


def log_threshold(alpha: float) -> float:
    """Give the log E at which a claim is refuted with error probability `alpha`. Raises ValueError outside (0, 1]."""
    _check_alpha(alpha)
    return -math.log(alpha)


def weighted_average(parts: Iterable[tuple[float, float]]) -> float:
    """Give log of Σ weight·E over (weight, log E) pairs: an e-value whatever the parts depend on.

    Weight that no part has counts as E = 1, and so does nothing at all. Weights must be fixed before the first bet they
    weigh. Raises ValueError for a negative weight or a sum above 1.
    """
    parts = [(weight, log) for weight, log in parts if weight != 0]
    assigned = math.fsum(weight for weight, _ in parts)
    if any(not weight > 0 for weight, _ in parts) or assigned > 1 + 1e-9:
        raise ValueError(f"weights are at least 0 and sum to at most 1, got {[weight for weight, _ in parts]}")
    logs = [math.log(weight) + log for weight, log in parts]
    return log_sum_exp((*logs, math.log(1 - assigned))) if assigned < 1 - 1e-9 or not logs else log_sum_exp(logs)


def discovery_weight(j: int) -> float:
    """Give the weight 1/(j(j+1)) of the j-th endpoint found, j = 1, 2, …: how many will come need not be known.

    Raises ValueError for j < 1.
    """
    if j < 1:
        raise ValueError(f"endpoints are numbered from 1 on, got {j}")
    return 1 / (j * (j + 1))


def reject_by_e_bh(log_e: Mapping[Name, float], alpha: float) -> tuple[Name, ...]:
    """Name those whose claim is refuted so that at most the share `alpha` of names is expected to be wrong (e-BH).

    Of K the k largest are named, for the largest k with k·E_(k) ≥ K/α; strongest first. Valid under any dependence, for
    e-values looked at when the verdict fires. An empty mapping names nobody.
    """
    _check_alpha(alpha)
    ranked = sorted(log_e, key=lambda name: -log_e[name])
    bar = math.log(len(ranked)) - math.log(alpha) if ranked else 0.0
    named = [k for k, name in enumerate(ranked, 1) if log_e[name] + math.log(k) >= bar]
    return tuple(ranked[: named[-1]]) if named else ()


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha is a probability above 0, got {alpha}")

"""Combine many pieces of evidence: into one average, or into a list of those to blame.

Source of `reject_by_e_bh`: Wang and Ramdas, "False discovery rate control with e-values" (arXiv 2009.02824).
"""

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

from .betting import log_sum_exp

Name = TypeVar("Name")


def log_threshold(alpha: float) -> float:
    """Return the log E at which a claim is refuted with error probability `alpha`. Raises ValueError outside (0, 1]."""
    _check_alpha(alpha)
    return -math.log(alpha)


def weighted_average(parts: Iterable[tuple[float, float]]) -> float:
    """Return log of Σ weight·E over (weight, log E) pairs: an e-value under any dependence of the parts.

    Unassigned weight counts as E = 1, as does an empty `parts`. Weights must be fixed before the first bet they apply
    to. Raises ValueError for a negative weight or a sum above 1.
    """
    parts = [(weight, log) for weight, log in parts if weight != 0]
    assigned = math.fsum(weight for weight, _ in parts)
    if any(not weight > 0 for weight, _ in parts) or assigned > 1 + 1e-9:
        raise ValueError(f"weights are at least 0 and sum to at most 1, got {[weight for weight, _ in parts]}")
    logs = [math.log(weight) + log for weight, log in parts]
    return log_sum_exp((*logs, math.log(1 - assigned))) if assigned < 1 - 1e-9 or not logs else log_sum_exp(logs)


def discovery_weight(j: int) -> float:
    """Return the weight 1/(j(j+1)) of the j-th endpoint found, j = 1, 2, …, whose number need not be known in advance.

    Raises ValueError for j < 1.
    """
    if j < 1:
        raise ValueError(f"endpoints are numbered from 1 on, got {j}")
    return 1 / (j * (j + 1))


def reject_by_e_bh(log_e: Mapping[Name, float], alpha: float) -> tuple[Name, ...]:
    """Return the names whose claims are refuted, strongest first; at most the share `alpha` is expected to be wrong.

    The e-BH procedure: of K claims, those with the k largest E are refuted, for the largest k with k·E_(k) ≥ K/α. Valid
    under any dependence, for e-values looked at when the verdict is reached. Raises ValueError for a wrong `alpha`.
    """
    _check_alpha(alpha)
    ranked = sorted(log_e, key=lambda name: -log_e[name])
    threshold = math.log(len(ranked)) - math.log(alpha) if ranked else 0.0
    sufficient = [k for k, name in enumerate(ranked, 1) if log_e[name] + math.log(k) >= threshold]
    return tuple(ranked[: sufficient[-1]]) if sufficient else ()


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha must be above 0 and at most 1, got {alpha}")

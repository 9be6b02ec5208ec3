"""What is usually done instead, with the same data and the same right to look.

`z_alarms`: an ordinary one-sided test of a proportion at 5 %, looked at after every exchange.

`kayenta_alarms`: the rule of Spinnaker's Mann-Whitney classifier: a metric is *high* when the lower end of the
confidence interval of the shift (98 %) exceeds a quarter of the estimated shift. Judged once in every window. The
points are single answers here, where Kayenta has averages of a minute.

`flagger_alarms`: a fixed limit on the mean of an interval, as `request-duration` and `request-success-rate` checks have
it; rolled back after five failed checks (`threshold: 5`).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm, rankdata

from .engine import Floats, Ints, Outcomes, first

_CONFIDENCE = 0.98
_TOLERANCE = 0.25
FAILED_CHECKS = 5


def z_alarms(outcomes: Outcomes, budget: float, *, least: int) -> Ints:
    """Return when the z-test first rejects "at most `budget`" at 5 %, looked at from the `least`-th exchange on."""
    n = np.arange(1, outcomes.shape[1] + 1)
    rate = np.cumsum(outcomes, axis=1, dtype=np.int64) / n
    return first((rate - budget) / np.sqrt(budget * (1 - budget) / n) > norm.ppf(0.95), least=least)


def z_once(outcomes: Outcomes, budget: float) -> NDArray[np.bool_]:
    """Return which launches the same test rejects if it is run only once, at the end."""
    n = outcomes.shape[1]
    return (outcomes.mean(axis=1) - budget) / np.sqrt(budget * (1 - budget) / n) > norm.ppf(0.95)


def kayenta_alarms(control: Floats, experiment: Floats, window: int) -> Ints:
    """Return after how many points Mann-Whitney first calls a window of the experiment high; NEVER if it does not."""
    ends = range(window, control.shape[1] + 1, window)
    high = np.zeros(control.shape, dtype=np.bool_)
    for launch in range(len(control)):
        for end in ends:
            if is_high(control[launch, end - window : end], experiment[launch, end - window : end]):
                high[launch, end - 1] = True
                break
    return first(high)


def is_high(control: Floats, experiment: Floats) -> bool:
    """Classify one window of two series as Kayenta does."""
    if _z_of_shift(control, experiment, 0.0) <= norm.ppf((1 + _CONFIDENCE) / 2):
        return False  # the interval reaches down to zero
    low, shift = shift_interval(control, experiment)
    return low > _TOLERANCE * abs(shift)


def shift_interval(control: Floats, experiment: Floats) -> tuple[float, float]:
    """Return the lower end of the confidence interval of the shift, and its estimate, by the normal approximation."""
    least, most = float(experiment.min() - control.max()), float(experiment.max() - control.min())

    def crossing(z: float) -> float:
        if _z_of_shift(control, experiment, least) <= z:
            return least
        if _z_of_shift(control, experiment, most) >= z:
            return most
        return float(brentq(lambda mu: _z_of_shift(control, experiment, mu) - z, least, most, xtol=1e-4))

    return crossing(float(norm.ppf((1 + _CONFIDENCE) / 2))), crossing(0.0)


def flagger_alarms(points: Floats | Outcomes, limit: float, interval: int) -> Ints:
    """Return after how many points the fifth check fails: the mean of each `interval` points over `limit`."""
    whole = points.shape[1] // interval * interval
    checks = points[:, :whole].reshape(len(points), -1, interval).mean(axis=2) > limit
    done = first(np.cumsum(checks, axis=1) >= FAILED_CHECKS)
    return np.where(done < np.iinfo(np.int64).max, done * interval, done)


def _z_of_shift(control: Floats, experiment: Floats, mu: float) -> float:
    """Standardise the rank sum of the experiment moved back by `mu`, with corrections for ties and continuity."""
    x, y = len(experiment), len(control)
    ranks = rankdata(np.concatenate([experiment - mu, control]))
    sum_over = ranks[:x].sum() - x * (x + 1) / 2 - x * y / 2
    ties = np.unique(ranks, return_counts=True)[1].astype(float)
    sigma = np.sqrt(x * y / 12 * (x + y + 1 - (ties**3 - ties).sum() / ((x + y) * (x + y - 1))))
    return float((sum_over - np.sign(sum_over) * 0.5) / sigma) if sigma else 0.0

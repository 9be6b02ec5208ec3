"""A base-2 exponential histogram of latencies: mergeable by addition, with a bounded relative error.

Its ranges are the buckets of the OpenTelemetry metrics data model (ExponentialHistogram,
https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram): with base = 2^(2^-scale), bucket i
covers the values in (base^i, base^(i+1)]. The scale is fixed, so that merging is adding. Scale 6 keeps every value
within 0.54 % of its range's representative; scale 5 would double that, beyond 1 %.

The model's three ranges, positive, zero and negative, become one signed axis of keys, because paired differences have
both signs: key = i + OFFSET above zero, its negative below, 0 within ZERO_MS of zero. Ascending keys are ascending
values. The SQL functions of the schema read the same keys.
"""

from collections.abc import Iterable, Mapping
from math import ceil, exp2, log2
from typing import Final

SCALE: Final = 6
KEYS_PER_OCTAVE: Final = 1 << SCALE
ZERO_MS: Final = 2.0**-10
"""About one microsecond: smaller values count as zero."""
OFFSET: Final = 10 * KEYS_PER_OCTAVE + 1
LARGEST_MS: Final = 2.0**32
"""About 50 days. Larger values, infinity among them, count as this one."""

Histogram = dict[int, int]
"""Counts by key."""


def histogram_key(value_ms: float) -> int:
    """Return the key of a value in milliseconds. Raises ValueError for NaN."""
    size = value_ms if value_ms > 0 else -value_ms
    if size <= ZERO_MS:
        return 0
    if size > LARGEST_MS:
        size = LARGEST_MS
    key = ceil(log2(size) * KEYS_PER_OCTAVE) - 1 + OFFSET
    return key if value_ms > 0 else -key


def key_value_ms(key: int) -> float:
    """Return the value in ms that stands for a key, at the same relative distance from both ends of its range."""
    if key == 0:
        return 0.0
    upper = exp2((abs(key) - OFFSET + 1) / KEYS_PER_OCTAVE)
    size = 2 * upper / (1 + exp2(1 / KEYS_PER_OCTAVE))
    return size if key > 0 else -size


def count_value(histogram: Histogram, value_ms: float) -> None:
    """Add one value to a histogram."""
    key = histogram_key(value_ms)
    histogram[key] = histogram.get(key, 0) + 1


def merge_histograms(histograms: Iterable[Mapping[int, int]]) -> Histogram:
    """Return the sum of histograms."""
    total: Histogram = {}
    for histogram in histograms:
        for key, count in histogram.items():
            total[key] = total.get(key, 0) + count
    return total


def quantile(histogram: Mapping[int, int], q: float) -> float | None:
    """Return the smallest value in ms that at least the share `q` of the values does not exceed.

    None without values.
    """
    key = _find_quantile_key(histogram, q)
    return None if key is None else key_value_ms(key)


def quantile_bound(histogram: Mapping[int, int], q: float) -> float | None:
    """Return the upper end, in ms, of the range that contains the quantile; no value in the range exceeds it.

    Compare values with this bound, not with `quantile`: of a service that always takes 1 ms, half would seem to exceed
    the representative of its range.
    """
    key = _find_quantile_key(histogram, q)
    if key is None:
        return None
    if key > 0:
        return exp2((key - OFFSET + 1) / KEYS_PER_OCTAVE)
    return ZERO_MS if key == 0 else -exp2((-key - OFFSET) / KEYS_PER_OCTAVE)


def _find_quantile_key(histogram: Mapping[int, int], q: float) -> int | None:
    rank = max(1, ceil(round(q * sum(histogram.values()), 9)))
    for key in sorted(histogram):
        rank -= histogram[key]
        if rank <= 0:
            return key
    return None

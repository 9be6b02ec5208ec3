"""Exponential back-off with jitter: longer waits after each failure, never in step with other processes."""

from random import SystemRandom
from typing import Final

_RANDOM: Final = SystemRandom()
"""Not the `random` module's own state: apps that seed it keep their sequence, and forked processes share none."""


class Backoff:
    """Full-jitter exponential back-off from `first_s` to `cap_s` (Brooker, "Exponential Backoff and Jitter", 2015)."""

    def __init__(self, first_s: float = 0.1, cap_s: float = 5.0) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self.failures = 0

    def next_s(self) -> float:
        """Count a failure and return how long to wait now, in seconds."""
        ceiling = min(self._cap_s, self._first_s * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return ceiling * _RANDOM.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Start over after a success."""
        self.failures = 0

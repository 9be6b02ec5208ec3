"""Exchanges in order of time, cut into windows of ten seconds and those into blocks. A window is judged once, whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

WINDOW_MS: Final = 10_000
MAX_BLOCK_EXCHANGES: Final = 100
"""A block is one bet (see `evidence.blocks`), so that a burst of mismatches counts once. It never spans two windows."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JudgedExchange:
    """One replayed exchange as the judge sees it. Times in ms.

    Exchanges that were lost, or that we could not process, are left out: our own failures are not evidence about the
    shadow.

    compared    both responses were compared
    doubtful    the mismatch may turn out to be noise
    error       the shadow gave no response
    slow        the shadow exceeded the launch's max_latency_diff_ms
    timed       both latencies were measured in the same way, inside the app
    """

    at_ms: int
    endpoint: str
    build: str = ""
    compared: bool = True
    mismatched: bool = False
    doubtful: bool = False
    error: bool = False
    slow: bool = False
    timed: bool = False
    primary_ms: float = 0.0
    shadow_ms: float = 0.0


def window_start_ms(at_ms: int) -> int:
    """Return the start of the window that a capture time falls into, in epoch ms."""
    return at_ms // WINDOW_MS * WINDOW_MS


def split_into_blocks(window: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split one window into the fewest blocks of at most 100 items; their sizes differ by one at most."""
    count = -(-len(window) // MAX_BLOCK_EXCHANGES)
    for number in range(count):
        yield window[len(window) * number // count : len(window) * (number + 1) // count]

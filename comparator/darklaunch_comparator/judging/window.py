"""Exchanges in order of time, cut into windows of ten seconds and those into blocks. A window is judged once, whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from darklaunch_comparator.results.latency_clock import LatencyClock

WINDOW_MS: Final = 10_000
MAX_BLOCK_EXCHANGES: Final = 100
"""A block is one bet (see `evidence.blocks`), so that a burst of mismatches counts once. It never spans two windows."""

STALLED_LEAST: Final = 0.05
"""The share of a window's exchanges that must be stalled for it to show nothing of how fast the shadow is."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JudgedExchange:
    """One replayed exchange as the judge sees it. Times in ms.

    Exchanges that were lost, or that we could not process, are left out: our own failures are not evidence about the
    shadow.

    compared    both responses were compared
    doubtful    the mismatch may turn out to be noise
    signature   the group of a mismatch that may turn out to be noise, "" for all others
    held        and its window waits until that is known
    error       the shadow gave no response
    refused     the shadow asked who is there, because the request came without its user's credentials
    slow        the shadow took longer than the primary by more than the launch's max_latency_diff_ms
    stalled     the primary took longer than the shadow by as much, or the shadow was not waited for so long
    clock       by whose clock its latency is compared; None if it cannot be
    primary_ms  the time to compare the shadow's with: the primary's or, by the baseline's clock, the baseline's
    shadow_ms   the shadow's time, less what its network takes at least
    baseline_ms the baseline's time in the app, where the hook timed it there too
    is_timed    its time, or that there was none, says something of how fast the shadow is
    compared_share  the part of what the response holds that was compared by value, 0 to 1
    """

    at_ms: int
    endpoint: str
    build: str = ""
    compared: bool = True
    mismatched: bool = False
    doubtful: bool = False
    held: bool = False
    error: bool = False
    refused: bool = False
    slow: bool = False
    stalled: bool = False
    is_timed: bool = True
    clock: LatencyClock | None = None
    primary_ms: float = 0.0
    shadow_ms: float = 0.0
    baseline_ms: float | None = None
    compared_share: float = 1.0
    signature: str = ""


def leave_out_stall(window: Sequence[JudgedExchange]) -> Sequence[JudgedExchange]:
    """Return the window, of a machine that stalls without what that delays: its latencies and its time-outs.

    Where the primary was slow as well, or slower than the shadow by as much, what is slow is not the version.
    """
    if sum(exchange.stalled for exchange in window) < STALLED_LEAST * len(window):
        return window
    return [
        replace(exchange, clock=None, slow=False, is_timed=False)
        for exchange in window
        if not (exchange.error and (exchange.slow or exchange.stalled))
    ]


def window_start_ms(at_ms: int) -> int:
    """Return the start of the window that a capture time falls into, in epoch ms."""
    return at_ms // WINDOW_MS * WINDOW_MS


def split_into_blocks(window: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split one window into the fewest blocks of at most 100 items; their sizes differ by one at most."""
    count = -(-len(window) // MAX_BLOCK_EXCHANGES)
    for number in range(count):
        yield window[len(window) * number // count : len(window) * (number + 1) // count]
